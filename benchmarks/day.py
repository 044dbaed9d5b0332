r"""Puts a day of a synthetic machine's sound through listening, and then each of its faults.

    python benchmarks/day.py run --hours 24 --results benchmarks/results/day.jsonl
    python benchmarks/day.py run --hours 24 --restart-minutes 10 --clips 60 --results ...
    python benchmarks/day.py table --results benchmarks/results/day.jsonl \
        --into docs/explanation/budget.md

The machine is SYNTHETIC. It restarts every --restart-minutes, each time at a speed and a
microphone's gain of its own, and its level wanders over four hours by 1 dB. What is heard goes to
the disk as FLAC, in pieces, and from there through the code of rattle listen, with a budget of one
false alarm a week. After the day its last piece is heard again, once with each fault of severity 1
from the fifth minute on: is there an alarm, or a watch, within a minute?

The detector is trained by the recipe fleet on --clips healthy clips of 10 s, each of a start of its
own. A day takes a core some 15 minutes, most of it for making the sound.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

import rattle
from page import between
from rattle import Recipe
from rattle.clips.layouts import load_manifest
from rattle.listening.hops import Hop, hops_of
from rattle.listening.recording import recording_blocks
from rattle.runtime import Scorer
from rattle.scoring.budget.judge import Judge
from rattle.scoring.budget.minutes import incidents
from rattle.scoring.budget.rule import AlarmRule
from rattle.scoring.windows import frame_seconds, timeline_hop
from rattle.synthetic import FAULTS_OF_TYPE, Specimen, write_factory
from rows import Row, noted

RATE_HZ = 16_000
FAULT_FROM_S = 300
SNR_DB = 6.0
LOAD_DB, LOAD_RELAXATION_S = 1.0, 4 * 3600.0
SEED = 5


def trained(folder: Path, machine: str, clips: int) -> Scorer:
    """A detector of the machine, from recordings of it and of one machine of each other type."""
    write_factory(
        folder,
        seed=SEED,
        ids_per_type=1,
        train_clips=clips,
        test_normal=1,
        test_anomaly=1,
        snr_db=SNR_DB,
    )
    fleet = rattle.fit_fleet(load_manifest(folder), recipe=Recipe.load("fleet"), device="cpu")
    detector = next(each for of, each in fleet.items() if of.type == machine)
    rattle.export(detector).save(folder / "day.rattle")
    return Scorer.load(folder / "day.rattle")


def sound_of(
    specimen: Specimen,
    number: int,
    seconds: int,
    level_db: tuple[float, float],
    fault: str | None = None,
) -> NDArray[np.float32]:
    """What is heard after a restart, at a level that goes from one to the other."""
    sound = specimen.record(
        seconds=seconds,
        sample_rate_hz=RATE_HZ,
        snr_db=SNR_DB,
        fault=fault,
        severity=0.0 if fault is None else 1.0,
        rng=np.random.default_rng([SEED, number]),
    )
    gain = 10 ** (np.linspace(*level_db, len(sound)) / 20)
    return np.clip(sound * gain.astype(np.float32), -1, 1)


def load_levels(pieces: int, piece_s: int) -> NDArray[np.float64]:
    """The level in dB at the beginning of each piece, and at the end of the last one."""
    rng = np.random.default_rng([SEED, 1_000_000])
    keep = np.exp(-piece_s / LOAD_RELAXATION_S)
    levels = [float(rng.standard_normal())]
    for _ in range(pieces):
        levels.append(keep * levels[-1] + np.sqrt(1 - keep**2) * float(rng.standard_normal()))
    return LOAD_DB * np.array(levels)


def heard(path: Path, scorer: Scorer, judge: Judge) -> Iterator[Hop]:
    return (hop for hop in hops_of(recording_blocks(path), scorer, judge) if isinstance(hop, Hop))


def judge_like(judge: Judge, hop_s: float) -> Judge:
    """A judge that knows what that one does."""
    return Judge(judge.rule, hop_s=hop_s, budget_per_week=1.0, account=judge.ledger.account())


def found_after(path: Path, scorer: Scorer, judge: Judge) -> dict[str, float | None]:
    """Seconds from the fault's beginning to the first incident of each level after it.

    None where there is none within its minute; ``highest`` is the highest Y in that.
    """
    levels = {level: of.value for level, of in judge.ledger.thresholds.items()}
    levels = {**levels, "clip": scorer.threshold.value}
    found: dict[str, float | None] = dict.fromkeys(levels)
    highest = -np.inf
    for hop in heard(path, scorer, judge):
        after_s = hop.end_s - FAULT_FROM_S
        if hop.judged is None or after_s <= 0:
            continue
        if after_s > 60:
            break
        highest = max(highest, hop.judged.y)
        for level, value in levels.items():
            if found[level] is None and hop.judged.y > value:
                found[level] = round(after_s, 1)
    return {**found, "highest": round(float(highest), 6)}


def day_table(rows: list[Row]) -> str:
    """Markdown: a row a day, a column a fault."""
    lines = []
    for row in rows:
        lines += [
            f"{row['machine']}, {row['hours']:g} h, a restart every {row['restart_minutes']} "
            f"minutes, trained on {row['clips']} clips: {row['false_alarms']} false alarms, "
            f"{row['false_watches']} false watches, {row['clip_threshold_incidents']} incidents by "
            f"the clip threshold ({row['clip_threshold']:.4g}). At the end alarm is above "
            f"{row['thresholds']['alarm']:.3g}, watch above {row['thresholds']['watch']:.3g}, the "
            f"highest minute heard is {row['highest_minute']:.3g}. Scored at "
            f"{row['times_real_time']:.0f} times real time by one core.",
            "",
            "| fault of severity 1 | highest Y in its minute | alarm after | watch after | clip |",
            "|---|---:|---:|---:|---:|",
        ]
        for fault, found in row["faults"].items():
            cells = [
                "not found" if found[level] is None else f"{found[level]:.0f} s"
                for level in ("alarm", "watch", "clip")
            ]
            lines.append(f"| {fault} | {found['highest']:.3g} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["run", "table"])
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--machine", choices=list(FAULTS_OF_TYPE), default="synth_pump")
    parser.add_argument("--clips", type=int, default=240, help="of training")
    parser.add_argument("--restart-minutes", type=int, default=30)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--into", type=Path, nargs="*", default=[], help="pages with the markers")
    chosen = parser.parse_args()
    if chosen.verb == "table":
        table = day_table(noted(chosen.results))
        print(table)
        for file in chosen.into:
            file.write_text(between(file.read_text(encoding="utf-8"), "day", table))
        return
    with tempfile.TemporaryDirectory() as folder:
        row = day(
            Path(folder), chosen.machine, chosen.clips, chosen.hours, chosen.restart_minutes * 60
        )
    with chosen.results.open("a") as file:
        file.write(json.dumps(row) + "\n")
    print(json.dumps(row, indent=1))


def day(folder: Path, machine: str, clips: int, hours: float, piece_s: int) -> dict[str, object]:
    pieces = round(hours * 3600 / piece_s)
    scorer = trained(folder / "factory", machine, clips)
    hop_s = timeline_hop(scorer.recipe) * frame_seconds(scorer.recipe)
    specimen = Specimen.of(machine, 0, seed=SEED)
    judge = before_last = Judge(AlarmRule(), hop_s=hop_s, budget_per_week=1.0)
    levels = load_levels(pieces, piece_s)
    path = folder / "piece.flac"
    raised: list[tuple[str, int]] = []
    cpu_s = 0.0
    for number in range(pieces):
        sf.write(
            path, sound_of(specimen, number, piece_s, (levels[number], levels[number + 1])), RATE_HZ
        )
        before_last = judge_like(judge, hop_s)
        began = time.process_time()
        for hop in heard(path, scorer, judge):
            changes = hop.judged.changes if hop.judged else ()
            raised += [
                (level, judge.ledger.heard) for level, change in changes if change == "raised"
            ]
        cpu_s += time.process_time() - began
        if (number + 1) * piece_s % 3600 == 0:
            of = judge.ledger.thresholds.get("alarm")
            print(
                f"{(number + 1) * piece_s // 3600} h: {raised}, "
                f"threshold {of and round(of.value, 5)}, highest "
                f"{judge.ledger.minutes.max():.5f}, {piece_s * (number + 1) / cpu_s:.0f} times "
                "real time",
                flush=True,
            )
    account = judge.ledger.account()
    faults: dict[str, dict[str, float | None]] = {}
    last = pieces - 1
    for fault in FAULTS_OF_TYPE[machine] if account.thresholds else ():
        sound = sound_of(specimen, last, piece_s, (levels[last], levels[last + 1]))
        faulty = sound_of(specimen, last, piece_s, (levels[last], levels[last + 1]), fault)
        sound[FAULT_FROM_S * RATE_HZ :] = faulty[FAULT_FROM_S * RATE_HZ :]
        sf.write(path, sound, RATE_HZ)
        faults[fault] = found_after(path, scorer, judge_like(before_last, hop_s))
        print(fault, faults[fault], flush=True)
    clip = incidents(account.minutes, scorer.threshold.value)[0]
    return {
        "machine": machine,
        "clips": clips,
        "restart_minutes": piece_s // 60,
        "hours": hours,
        "false_alarms": sum(level == "alarm" for level, _ in raised),
        "false_watches": sum(level == "watch" for level, _ in raised),
        "clip_threshold_incidents": len(clip),
        "thresholds": {level: round(of.value, 6) for level, of in account.thresholds.items()},
        "clip_threshold": round(scorer.threshold.value, 6),
        "highest_minute": round(float(account.minutes.max()), 6),
        "faults": faults,
        "times_real_time": round(hours * 3600 / cpu_s, 1),
    }


if __name__ == "__main__":
    main()
