r"""Measures what 1, 4 and 16 verdicts bring on the real recordings, by the station's own learning.

    python benchmarks/verdicts.py train DATA BUNDLES                 (minutes)
    python benchmarks/verdicts.py run DATA BUNDLES --results benchmarks/results/verdicts.jsonl
    python benchmarks/verdicts.py table --results benchmarks/results/verdicts.jsonl \
        --page docs/explanation/learning.md

DATA holds fan/id_00, fan/id_02, slider/id_00 and slider/id_02 in the DCASE layout; other machines
in it take part in the fleet, which is trained once. Of a machine's test clips half of the normals
and as many anomalies wait, and sixteen of them are reviewed in an order by chance; on the others,
which nobody reviews, every head is judged, and nothing is chosen by them. What the encoder makes of
the clips is written to files as the station keeps it, and a head is fitted, tried and gated by the
functions of ``rattle.station.learn``. A run is one of

    right     every verdict is the clip's label
    wrong     of every ten verdicts one, by chance, is not

and an order. One that is noted already is not done again.

The stream is given to the gate twice: with each healthy clip *once*, some minutes, which is all the
sound there is; and for a *day* and more, in which the healthy clips that wait recur in ever new
orders. What is reviewed is heard at one time alone. Ten seconds give as many windows as ten seconds
of a station, each within the clip: of the seams between recordings nothing is heard.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student

import rattle
from hearing import MACHINES
from page import between
from rattle import Machine, Manifest
from rattle.bundle.file import Bundle, read_bundle
from rattle.clips.layouts import load_manifest
from rattle.evaluation.metrics import auc
from rattle.runtime.clip_scorer import decision_of, mix_of
from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.fit import Tail
from rattle.scoring.budget.ledger import LEVELS, SHARES, IncidentLevel, Level
from rattle.scoring.budget.rule import AlarmRule
from rattle.scoring.clip import Embedded, clip_value
from rattle.scoring.windows import several_windows
from rattle.station.learn.candidate import Ground, Stored, fitted, learnt_from, voice_of
from rattle.station.learn.gate import gate, hear
from rattle.station.learn.incidents import Stood
from rattle.station.learn.labels import Base
from rattle.station.learn.part import Sample
from rattle.station.learn.replay import Kept, Voice, hop_seconds, replay, utc
from rattle.station.plant.learnable import HOURS as HOURS_HEARD
from rattle.station.records import Embeddings
from rattle.station.store import embedding_files
from rows import Row, note, noted

TRAINED_BY = 0
COUNTS = (1, 4, 16)
ORDERS = tuple(range(10))
WHATS = ("right", "wrong")
WRONG_OF = 10
WINDOWS = 10  # of a clip, a hop apart
# A clip that is reviewed is heard so often, one right after the other: what the station takes as
# the sound of an incident begins ten seconds before.
TIMES = 2
HOURS = 26.0
BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
SOURCE, RELEASE, ENCODER, BUDGET = "replayed", "base", "encoder", 1.0
CLEARLY = 0.01  # an AUC that is lower by more


@dataclass(frozen=True)
class Sound:
    """A test clip: the windows that a stream has of it, and those that a clip is scored by."""

    is_faulty: bool
    stream: NDArray[np.float16]
    clip: Embedded


@dataclass(frozen=True)
class Of:
    """A machine's base, opened, and its test clips."""

    name: str
    bundle: Bundle
    scorer: Scorer
    base: Base
    sounds: Sequence[Sound]

    @property
    def hop_s(self) -> float:
        return hop_seconds(self.scorer)


@dataclass(frozen=True)
class Tape:
    """A stream, and what stood out of it: the clips to review, in their order."""

    embeddings: Embeddings
    stood: Sequence[Stood]


def opened(machine: Machine, clips: Manifest, bundles: Path) -> Of:
    """Open a machine's bundle, and embed each of its test clips once."""
    path = bundles / f"{str(machine).replace('/', '_')}.rattle"
    scorer = Scorer.load(path)
    base = Base(RELEASE, ENCODER, Voice.of(scorer), AlarmRule())
    sounds = []
    for clip in clips.of(machine, split="test"):
        samples = scorer.heard(clip).samples
        frames = 1 + len(samples) // scorer.recipe.features.hop_samples
        stream = scorer.embed(samples, several_windows(frames, scorer.recipe, WINDOWS)).z
        own = scorer.embed(samples)
        sounds.append(Sound(clip.label == "anomaly", stream.astype(np.float16), own))
    return Of(str(machine), read_bundle(path), scorer, base, sounds)


def drawn(of: Of, order: int) -> tuple[list[Sound], list[Sound], list[Sound]]:
    """Draw which clips are reviewed, in order; the healthy ones that wait; and those set apart."""
    dice = np.random.default_rng((order, MACHINES.index(Machine.parse(of.name))))
    healthy, faulty = (
        [own[place] for place in dice.permutation(len(own))]
        for own in ([s for s in of.sounds if s.is_faulty == kind] for kind in (False, True))
    )
    half = len(healthy) // 2
    count = min(half, len(faulty) // 2)
    waiting = [*healthy[:half], *faulty[:count]]
    reviewed = [waiting[place] for place in dice.permutation(len(waiting))[: max(COUNTS)]]
    return reviewed, healthy[:half], [*healthy[half:], *faulty[count:]]


def recorded(of: Of, order: int, reviewed: list[Sound], around: list[Sound], clips: int) -> Tape:
    """Play so many healthy clips one after another, those that are reviewed evenly among them."""
    dice = np.random.default_rng((order, clips))
    rounds = -(-clips // len(around))
    played = [around[place] for _ in range(rounds) for place in dice.permutation(len(around))]
    played = played[:clips]
    before = ((np.arange(len(reviewed)) + 0.5) * clips / len(reviewed)).astype(np.int64)
    places = before + TIMES * np.arange(len(reviewed))
    for place, sound in zip(places, reviewed, strict=True):
        played[place:place] = [sound] * TIMES
    z = np.concatenate([sound.stream for sound in played])
    ends = BEGIN.timestamp() + of.hop_s * np.arange(1, len(z) + 1)
    embeddings = Embeddings(SOURCE, ENCODER, ends, z)
    return Tape(embeddings, _stood(of, order, embeddings, places))


def _stood(of: Of, order: int, heard: Embeddings, places: NDArray[np.int64]) -> list[Stood]:
    """Let the base say of each clip to review what it would have been: alarm, watch or moment."""
    thresholds = _thresholds(of, heard, places)
    y = of.base.rule.statistic(of.base.voice.scores(heard.z))
    stood = []
    for number, place in enumerate(places):
        own = np.arange((place + TIMES - 1) * WINDOWS, (place + TIMES) * WINDOWS)
        top = own[y[own].argmax()]
        passed = [level for level in LEVELS if y[top] > thresholds.get(level, np.inf)]
        level: IncidentLevel = passed[-1] if passed else "moment"
        above = own[y[own] > thresholds[passed[-1]]] if passed else np.array([top])
        at = [utc(float(heard.ends[window])) for window in (above[0], above[-1])]
        name = f"{of.name} {order} {number}"
        threshold = thresholds[passed[-1]] if passed else None
        stood.append(Stood(name, SOURCE, RELEASE, level, *at, threshold, None, None))
    return stood


def _thresholds(of: Of, heard: Embeddings, places: NDArray[np.int64]) -> dict[Level, float]:
    """Fit them to the healthy minutes, as the ledger would; none of too little sound."""
    (minutes,) = replay([heard], [of.base.voice], of.hop_s, of.base.rule)
    out = np.zeros(len(minutes.minutes), dtype=np.bool_)
    for place in places:
        first, last = place * WINDOWS, (place + TIMES) * WINDOWS - 1
        out |= minutes.within(*(utc(float(heard.ends[window])) for window in (first, last)))
    tail = Tail.of(minutes.minutes, out) if len(out) else None
    if tail is None:
        return {}
    return {level: tail.threshold(SHARES[level] * BUDGET).value for level in LEVELS}


def said(tape: Tape, reviewed: Sequence[Sound], count: int, wrong: set[int]) -> list[Stood]:
    """Give what stood out after so many verdicts, the first first."""
    told = []
    for number, (each, sound) in enumerate(zip(tape.stood, reviewed, strict=True)):
        is_anomaly = sound.is_faulty != (number in wrong)
        verdict = "anomaly" if is_anomaly else "normal"
        told.append(replace(each, verdict=verdict) if number < count else each)
    return told


def faults_as_normal(stood: Sequence[Stood], reviewed: Sequence[Sound]) -> int:
    """Count the faulty clips that a head learnt as normal sound."""
    learnt = learnt_from(stood)
    return sum(
        sound.is_faulty and learnt.get(each.id) == "normal"
        for each, sound in zip(stood, reviewed, strict=True)
    )


def judged(of: Of, bundle: Bundle, voice: Voice, apart: Sequence[Sound]) -> Row:
    """AUC, missed faults and false alarms of clips apart, by the threshold of the bundle."""
    mix, threshold = mix_of(bundle.info), decision_of(bundle.info).threshold.value
    scores = [
        np.array(
            [
                clip_value(voice.head.parts(sound.clip.start_s, sound.clip.z), mix)
                for sound in apart
                if sound.is_faulty == kind
            ]
        )
        for kind in (False, True)
    ]
    return {
        "auc": round(auc(*scores), 4),
        "missed": round(float((scores[1] <= threshold).mean()), 4),
        "false_alarms": round(float((scores[0] > threshold).mean()), 4),
        "apart": [len(scores[0]), len(scores[1])],
    }


def course(of: Of, what: str, order: int) -> Iterator[Row]:
    """A row before the first verdict, and one after each count of them."""
    reviewed, around, apart = drawn(of, order)
    clips = round(HOURS * 3600 / (of.hop_s * WINDOWS))
    day = recorded(of, order, reviewed, around, clips)
    rest = [sound for sound in around if not any(sound is each for each in reviewed)]
    once = recorded(of, order, reviewed, rest, len(rest))
    dice = np.random.default_rng((order, WRONG_OF, MACHINES.index(Machine.parse(of.name))))
    wrong = {first + int(dice.integers(WRONG_OF)) for first in range(0, max(COUNTS), WRONG_OF)}
    wrong = wrong if what == "wrong" else set()
    row: Row = {"what": what, "seed": order, "machine": of.name}
    yield {**row, "verdicts": 0, **judged(of, of.bundle, of.base.voice, apart)}
    with tempfile.TemporaryDirectory() as folder:
        embedding_files.append(Path(folder), day.embeddings)
        until = utc(float(day.embeddings.ends[-1]) + 1)
        for count in COUNTS:
            stood = said(day, reviewed, count, wrong)
            sample = Sample(
                SOURCE, Kept(Path(folder), SOURCE, ENCODER, until).hours(HOURS_HEARD), stood, BUDGET
            )
            ground = Ground(Path(folder), of.bundle, of.scorer, of.base, [sample])
            head = fitted(ground, stood)
            bundle = of.bundle if head is None else head.bundle
            voice = of.base.voice if head is None else voice_of(bundle)
            row |= {"verdicts": count, "learnt_from": len(learnt_from(stood))}
            row |= {"wrong": sum(number < count for number in wrong)}
            row |= {"faults_as_normal": faults_as_normal(stood, reviewed)}
            row |= {"alarms": sum(each.level == "alarm" for each in stood[:count])}
            row |= judged(of, bundle, voice, apart)
            if head is not None:
                row |= {"day": gated(of, day, stood, voice)}
                row |= {"once": gated(of, once, said(once, reviewed, count, wrong), voice)}
            yield {**row}


def gated(of: Of, tape: Tape, stood: Sequence[Stood], voice: Voice) -> Row:
    """What the gate says of a head beside the base, on the stored stream."""
    stored = Stored({SOURCE: [tape.embeddings]}, stood, BUDGET)
    old, new = stored.heard_by([of.base.voice, voice], of.base, of.hop_s)
    minutes = sum(len(source.heard.minutes) for source in new)
    said = gate(hear(old), hear(new), stood, minutes, BUDGET)
    return {
        "state": said.state,
        "reasons": list(said.reasons),
        "hours": round(said.minutes / 60, 1),
        "auc": None if said.auc is None else [round(value, 4) for value in said.auc],
    }


# Tables.


def change(rows: Sequence[Row], name: str, count: int) -> str:
    """Mean difference from before the first verdict, with its 95 % interval over the orders.

    Machines of an order are averaged before: there is one fleet, so of others nothing is said.
    """
    before = {(row["seed"], row["machine"]): row[name] for row in rows if row["verdicts"] == 0}
    by: dict[int, list[float]] = {}
    for row in rows:
        if row["verdicts"] == count:
            own = row[name] - before[row["seed"], row["machine"]]
            by.setdefault(row["seed"], []).append(own)
    return interval([float(np.mean(values)) for values in by.values()])


def interval(values: Sequence[float]) -> str:
    half = student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
    return f"{np.mean(values):+.3f} ± {half:.3f}"


def verdict_table(rows: Sequence[Row]) -> str:
    """Markdown: what stands before the first verdict, and how that changes."""
    heads = " | ".join(f"after {count}" for count in COUNTS)
    lines = [
        f"| machine | of clips apart | verdicts | before | {heads} |",
        "|---|---|---|---:|" + "---|" * len(COUNTS),
    ]
    machines = sorted({row["machine"] for row in rows})
    cells = [(machine, "auc", "AUC") for machine in machines]
    every = ("auc", "AUC"), ("missed", "missed faults"), ("false_alarms", "false alarms")
    cells += [("all four", name, title) for name, title in every]
    for machine, name, title in cells:
        for what in WHATS:
            of = [row for row in rows if row["what"] == what]
            of = [row for row in of if machine in (row["machine"], "all four")]
            before = np.mean([row[name] for row in of if row["verdicts"] == 0])
            changes = " | ".join(change(of, name, count) for count in COUNTS)
            way = "all right" if what == "right" else "one in ten wrong"
            lines.append(f"| {machine} | {title} | {way} | {before:.3f} | {changes} |")
    learnt = " | ".join(
        f"{np.mean([row['learnt_from'] for row in rows if row['verdicts'] == count]):.1f}"
        for count in COUNTS
    )
    lines.append(f"| all four | learnt from (the others are the test's) | | 0 | {learnt} |")
    return "\n".join(lines)


def since_the_start(rows: Sequence[Row], name: str) -> dict[tuple[object, ...], float]:
    """By run, order, machine and verdicts: how much a figure differs from before the first."""
    start = {(r["what"], r["seed"], r["machine"]): r[name] for r in rows if r["verdicts"] == 0}
    return {
        (*key, row["verdicts"]): row[name] - start[key]
        for row in rows
        if (key := (row["what"], row["seed"], row["machine"])) in start
    }


def heads(rows: Sequence[Row], of: Sequence[Row]) -> str:
    """Cells: how many heads these rows have, and how they did on clips apart."""
    keys = [(row["what"], row["seed"], row["machine"], row["verdicts"]) for row in of]
    if not keys:
        return "0 | | | | |"
    aucs, missed = (since_the_start(rows, name) for name in ("auc", "missed"))
    by = [aucs[key] for key in keys]
    lower, clearly = (sum(each < -most for each in by) for most in (0, CLEARLY))
    more = np.mean([missed[key] for key in keys])
    return f"{len(by)} | {np.mean(by):+.3f} | {lower} | {clearly} | {more:+.3f} |"


HEADS = (
    "heads | AUC apart, changed by | lower | lower by more than "
    f"{CLEARLY:g} | missed faults, changed by |"
)


def gate_table(rows: Sequence[Row]) -> str:
    """Markdown: what the gate said of heads, and how they did on clips apart."""
    lines = [f"| stream | verdicts | the gate said | {HEADS}", "|---|---|---|" + "---:|" * 5]
    for stream in ("day", "once"):
        title = f"{HOURS:g} hours, clips recur" if stream == "day" else "each clip once"
        for what in WHATS:
            way = "all right" if what == "right" else "one in ten wrong"
            for state in ("passed", "refused", "not shown"):
                at = [row for row in rows if row["what"] == what]
                at = [row for row in at if row.get(stream, {}).get("state") == state]
                lines.append(f"| {title} | {way} | {state} | {heads(rows, at)}")
    return "\n".join(lines) + "\n\n" + refusals(rows)


def fault_table(rows: Sequence[Row]) -> str:
    """Markdown: how heads did by how many faults they had learnt as normal sound."""
    lines = [f"| faults learnt as normal sound | {HEADS}", "|---|" + "---:|" * 5]
    last = [row for row in rows if row["what"] == "wrong" and row["verdicts"] == max(COUNTS)]
    for count in sorted({row["faults_as_normal"] for row in last}):
        at = [row for row in last if row["faults_as_normal"] == count]
        lines.append(f"| {count} | {heads(rows, at)}")
    return "\n".join(lines)


def refusals(rows: Sequence[Row]) -> str:
    """A sentence: how often each reason to refuse was given."""
    whys = {
        "a fault of the test was found and would be missed": "would be missed",
        "the AUC on the test is lower beyond chance": "less well",
        "it would raise more false alarms than the budget": "false alarms a week",
    }
    gates = [row[stream] for row in rows for stream in ("day", "once") if stream in row]
    refused = [" ".join(gate["reasons"]) for gate in gates if gate["state"] == "refused"]
    counts = [f"{why}, {sum(words in of for of in refused)}" for why, words in whys.items()]
    return f"Refused were {len(refused)}; the reasons: " + "; ".join(counts) + "."


def train(data: Path, bundles: Path) -> None:
    """Train the fleet once, by the recipe as it is, and write the four bundles."""
    bundles.mkdir(parents=True, exist_ok=True)
    fleet = rattle.fit_fleet(load_manifest(data), seed=TRAINED_BY, device="cpu")
    for machine in MACHINES:
        path = bundles / f"{str(machine).replace('/', '_')}.rattle"
        rattle.export(fleet[machine]).save(path)


def run(data: Path, bundles: Path, results: Path, orders: Sequence[int]) -> None:
    clips = load_manifest(data)

    @cache
    def of(machine: Machine) -> Of:
        return opened(machine, clips, bundles)

    def rows_of(what: str, order: int) -> Iterator[Row]:
        for machine in MACHINES:
            yield from course(of(machine), what, order)

    note(results, WHATS, orders, rows_of)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["train", "run", "table"])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("bundles", type=Path, nargs="?")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--orders", nargs="+", type=int, default=list(ORDERS))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    if chosen.verb == "train":
        train(chosen.data, chosen.bundles)
        return
    if chosen.verb == "run":
        run(chosen.data, chosen.bundles, chosen.results, chosen.orders)
        return
    rows = noted(chosen.results)
    tables = {"verdicts": verdict_table(rows), "verdicts-gate": gate_table(rows)}
    tables["verdicts-faults"] = fault_table(rows)
    print("\n\n".join(tables.values()))
    if chosen.page:
        page = chosen.page.read_text(encoding="utf-8")
        for name, text in tables.items():
            page = between(page, name, text)
        chosen.page.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
