r"""Measures what a few labelled clips bring: by head, by encoder, by both in turn (figure 2).

    python benchmarks/learning.py run DATA --results benchmarks/results/learning.jsonl
    python benchmarks/learning.py table --results benchmarks/results/learning.jsonl \
        --into docs/results.md docs/explanation/adaptation.md --figure docs/figures/learning.svg \
        --losses-figure docs/figures/losses.svg

DATA holds fan/id_00, fan/id_02, slider/id_00 and slider/id_02 in the DCASE layout; other machines
in it take part in the fleet. Of a machine's test anomalies some are set apart to learn from, nested
by their number; all are judged on the others and on the test normals. A run is one of

    labels    1, 2, 4, ... 64 anomalies (a machine with few stops where 18 are left to test on)
    wrong     16 anomalies and 10 normals, of which a tenth is labelled wrongly (one of the
              anomalies given is a normal clip and one of the normals an anomaly)
    speeds    synthetic machines at another running speed: normal clips of it alone, by the head
    bce, ...  as labels, with one of the four losses that are not the default

and a seed. One that is noted already is not done again.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import soundfile as sf
import torch
from matplotlib.figure import Figure
from scipy.stats import t as student

from hearing import MACHINES, trained
from page import between
from rattle import Detector, Manifest, Recipe
from rattle.clips.clip import Clip
from rattle.clips.layouts import load_manifest
from rattle.detector.adapt import AdaptJob
from rattle.detector.finish import make
from rattle.detector.job import Recordings
from rattle.evaluation.metrics import auc, pauc, standard_error
from rattle.experiments.task import draw_anomalies
from rattle.recipe.parts import MethodName
from rattle.runtime.adapt_head import adapt_head
from rattle.synthetic import detuned, write_factory
from rows import Row, note, noted

COUNTS = (1, 2, 4, 8, 16, 32, 64)
LEFT = 18  # anomalies to test on
SEEDS = (0, 1, 2)
WAYS = ("head", "encoder", "both")
SPEEDS = (0.97, 1.05)
LOSSES: tuple[MethodName, ...] = ("bce", "dsad", "ddcsad", "bce+dsad")
DEFAULT = "bce+ddcsad"
# Normal and anomalous test clips of each machine that the AUC of adapted detectors is over.
TESTED_ON = {
    "fan/id_00": (40, 50),
    "fan/id_02": (40, 18),
    "slider/id_00": (60, 50),
    "slider/id_02": (40, 18),
}
WHATS = ("labels", "wrong", "speeds", *LOSSES)


def judged(detector: Detector, normals: Sequence[Clip], anomalies: Sequence[Clip]) -> Row:
    """AUC, pAUC, false alarms and misses of test clips."""
    normal, anomaly = (
        detector.score([clip.path for clip in clips]) for clips in (normals, anomalies)
    )
    scores = [np.array([clip.score for clip in clips]) for clips in (normal, anomaly)]
    return {
        "auc": round(auc(*scores), 4),
        "pauc": round(pauc(*scores), 4),
        "alarms": round(float(np.mean([clip.anomalous for clip in normal])), 4),
        "misses": round(float(np.mean([not clip.anomalous for clip in anomaly])), 4),
    }


def by_head(detector: Detector, anomalies: Sequence[Clip], normals: Sequence[Clip]) -> Detector:
    """The detector with its head adapted, as ``rattle adapt --head`` writes it."""
    return Detector.of(adapt_head(detector.bundle(), detector, anomalies, normals).bundle)


def by_encoder(
    detector: Detector, anomalies: Sequence[Clip], normals: Sequence[Clip], clips: Manifest
) -> Detector:
    """The detector with its encoder trained on, as ``rattle adapt`` does."""
    given = (Manifest.from_clips(anomalies), Manifest.from_clips(normals))
    seed = detector.info.provenance.seed
    (adapted,) = make(AdaptJob(detector, *given, Recordings(clips.of(split="train")), seed))
    return adapted


def adapted(
    way: str,
    detector: Detector,
    anomalies: Sequence[Clip],
    normals: Sequence[Clip],
    clips: Manifest,
) -> Detector:
    if way == "encoder":
        return by_encoder(detector, anomalies, normals, clips)
    head = by_head(detector, anomalies, normals)
    return head if way == "head" else by_encoder(head, anomalies, normals, clips)


def loss_rows(method: MethodName, seed: int, clips: Manifest) -> Iterator[Row]:
    recipe = Recipe.load("fleet").for_method(method)
    fleet = trained(clips, list(MACHINES), recipe, seed)
    # A head without a posterior has nothing to learn from anomalies.
    ways = WAYS[:2] if recipe.has_posterior else WAYS[1:2]
    for row in label_rows(seed, clips, fleet, ways):
        yield {**row, "what": method}


# Fleets of the default recipe by seed: labels and wrong labels begin with the same one.
FLEETS: dict[int, list[Detector]] = {}


def fleet_of(seed: int, clips: Manifest) -> list[Detector]:
    if seed not in FLEETS:
        recipe = Recipe.load("fleet")
        FLEETS[seed] = trained(clips, list(MACHINES), recipe, seed, cross_fit=True)
    return FLEETS[seed]


def label_rows(
    seed: int, clips: Manifest, fleet: Sequence[Detector], ways: Sequence[str] = WAYS
) -> Iterator[Row]:
    for detector in fleet:
        of = clips.of(detector.machine, split="test")
        most = min(max(COUNTS), len(of.of(label="anomaly")) - LEFT)
        drawn = draw_anomalies(clips, detector.machine, most, seed)
        apart = {clip.content_hash for clip in drawn}
        normals = list(of.of(label="normal"))
        others = [c for c in of.of(label="anomaly") if c.content_hash not in apart]
        row = {"what": "labels", "seed": seed, "machine": str(detector.machine)}
        yield {**row, "way": "start", "anomalies": 0, **judged(detector, normals, others)}
        for count in COUNTS:
            if count > most:
                break
            for way in ways:
                began = time.process_time()
                better = adapted(way, detector, drawn[:count], [], clips)
                cpu_s = round(time.process_time() - began, 1)
                figures = judged(better, normals, others)
                yield {**row, "way": way, "anomalies": count, **figures, "cpu_s": cpu_s}


def wrong_rows(seed: int, clips: Manifest) -> Iterator[Row]:
    """Labels of which a tenth is wrong, beside the same ones all right."""
    for detector in fleet_of(seed, clips):
        of = clips.of(detector.machine, split="test")
        drawn = draw_anomalies(clips, detector.machine, 17, seed)
        order = np.random.default_rng(seed).permutation(len(of.of(label="normal")))
        every = list(of.of(label="normal"))
        healthy = [every[i] for i in order[:11]]
        apart = {clip.content_hash for clip in (*drawn, *healthy)}
        normals = [c for c in every if c.content_hash not in apart]
        others = [c for c in of.of(label="anomaly") if c.content_hash not in apart]
        row = {"what": "wrong", "seed": seed, "machine": str(detector.machine)}
        yield {**row, "way": "start", "labels": "none", **judged(detector, normals, others)}
        given = {
            "right": (drawn[:16], healthy[:10]),
            # One of each changes sides: 2 of 26 labels, a tenth of either kind or nearly so.
            "wrong": ([*drawn[:15], healthy[10]], [*healthy[:9], drawn[16]]),
        }
        for labels, (anomalous, normal) in given.items():
            for way in ("head", "encoder"):
                better = adapted(way, detector, anomalous, normal, clips)
                yield {**row, "way": way, "labels": labels, **judged(better, normals, others)}


def speed_rows(seed: int) -> Iterator[Row]:
    """Machines that run at another speed: false alarms before and after ten clips of it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_factory(
            root,
            seed=51 + seed,
            ids_per_type=1,
            train_clips=48,
            test_normal=50,
            test_anomaly=50,
            severity=(1.0, 1.0),
        )
        clips = load_manifest(root)
        recipe = Recipe.load("fleet")
        detectors = trained(clips, clips.machines(), recipe, seed, cross_fit=True)
        for detector in detectors:
            for speed in SPEEDS:
                yield from _speed_rows(detector, speed, seed, root)


def _speed_rows(detector: Detector, speed: float, seed: int, root: Path) -> Iterator[Row]:
    from rattle.clips.labelled import labelled_clips

    tests = load_manifest(root).of(detector.machine, split="test")
    played: dict[str, list[Clip]] = {}
    for label in ("normal", "anomaly"):
        folder = root / f"{detector.machine.slug}-{speed}-{label}"
        folder.mkdir()
        for clip in tests.of(label=label):
            samples, rate_hz = sf.read(clip.path, dtype="float32")
            changed = detuned(samples, speed, sample_rate_hz=rate_hz)
            sf.write(folder / Path(clip.path).name, changed, rate_hz)
        played[label] = labelled_clips([folder], detector.machine, label, detector.recipe.audio)
    given, normals = played["normal"][:10], played["normal"][10:]
    row = {"what": "speeds", "seed": seed, "machine": str(detector.machine), "speed": speed}
    usual = list(tests.of(label="normal"))
    for way in ("start", "head"):
        now = detector if way == "start" else by_head(detector, [], given)
        figures = judged(now, normals, played["anomaly"])
        at_usual = np.mean([clip.anomalous for clip in now.score([c.path for c in usual])])
        yield {**row, "way": way, **figures, "alarms_usual": round(float(at_usual), 4)}


def run(data: str, results: Path, whats: Sequence[str], seeds: Sequence[int]) -> None:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    clips = load_manifest(Path(data))
    note(results, whats, seeds, lambda what, seed: rows_of(what, seed, clips))


def rows_of(what: str, seed: int, clips: Manifest) -> Iterator[Row]:
    match what:
        case "labels":
            return label_rows(seed, clips, fleet_of(seed, clips))
        case "wrong":
            return wrong_rows(seed, clips)
        case "speeds":
            return speed_rows(seed)
    return loss_rows(what, seed, clips)


def label_table(rows: list[Row]) -> str:
    """Markdown: AUC of each machine by the number of anomalies and the way, mean over seeds."""
    machines = sorted({row["machine"] for row in rows})
    lines = [
        "| machine | by | 0 | " + " | ".join(map(str, COUNTS)) + " |",
        "|---|---|" + "---:|" * (len(COUNTS) + 1),
    ]
    for machine in machines:
        of = [row for row in rows if row["machine"] == machine]
        for way in WAYS:
            cells = [_mean([row["auc"] for row in of if row["way"] == "start"])]
            for count in COUNTS:
                at = [r["auc"] for r in of if r["way"] == way and r["anomalies"] == count]
                cells.append(_mean(at))
            lines.append(f"| {machine} | {way} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def by_loss(rows: list[Row]) -> dict[str, list[Row]]:
    """The rows of labels by loss, the default's among them; of numbers that every machine has."""
    of = {what: [r for r in rows if r["what"] == what] for what in LOSSES}
    of[DEFAULT] = [r for r in rows if r["what"] == "labels" and r["way"] != "both"]
    return {loss: [r for r in of[loss] if r["anomalies"] < COUNTS[-1]] for loss in of if of[loss]}


def loss_table(rows: list[Row]) -> str:
    """Markdown: AUC by loss, way and number of anomalies, mean of machines and seeds; and the worst
    fall of a machine below its start, mean of seeds, beside the interval of that AUC."""
    lines = [
        "| loss | by | 0 | " + " | ".join(map(str, COUNTS[:-1])) + " | furthest below its start |",
        "|---|---|" + "---:|" * len(COUNTS) + "---|",
    ]
    for loss, of in by_loss(rows).items():
        for way in WAYS[:2]:
            adapted = [row for row in of if row["way"] == way]
            if not adapted:
                continue
            cells = [_mean([row["auc"] for row in of if row["way"] == "start"])]
            cells += [
                _mean([row["auc"] for row in adapted if row["anomalies"] == count])
                for count in COUNTS[:-1]
            ]
            fall = furthest_below(of, way)
            lines.append(f"| {loss} | {way} | " + " | ".join(cells) + f" | {fall} |")
    return "\n".join(lines)


def furthest_below(rows: list[Row], way: str) -> str:
    """Name the machine and number of anomalies whose AUC, mean of seeds, fell most, and by what.

    Beside it stands half the 95 % interval of that AUC by Hanley and McNeil (the choice of test
    clips), and Student's of the fall over seeds.
    """
    falls = []
    for machine in sorted({row["machine"] for row in rows}):
        of = [row for row in rows if row["machine"] == machine]
        start = {row["seed"]: row["auc"] for row in of if row["way"] == "start"}
        for count in COUNTS[:-1]:
            after = {r["seed"]: r["auc"] for r in of if (r["way"], r["anomalies"]) == (way, count)}
            drops = [start[seed] - area for seed, area in after.items()]
            if drops:
                falls.append((float(np.mean(drops)), machine, count, drops, list(after.values())))
    fall, machine, count, drops, areas = max(falls)
    if fall <= 0:
        return "nowhere"
    of_clips = 1.96 * standard_error(float(np.mean(areas)), *TESTED_ON[machine])
    quantile = float(student.ppf(0.975, len(drops) - 1))
    of_seeds = quantile * float(np.std(drops, ddof=1)) / len(drops) ** 0.5
    return f"{fall:.3f}, {machine} with {count} (clips ± {of_clips:.3f}, seeds ± {of_seeds:.3f})"


def alarm_table(rows: list[Row]) -> str:
    """Markdown: misses and false alarms by number of anomalies, mean of machines and seeds."""
    lines = ["| by | what | 0 | " + " | ".join(map(str, COUNTS[:-1])) + " |"]
    lines.append("|---|---|" + "---:|" * len(COUNTS))
    for way in WAYS[:2]:
        for name, title in (("misses", "missed"), ("alarms", "false alarms")):
            cells = [_share([row[name] for row in rows if row["way"] == "start"])]
            for count in COUNTS[:-1]:
                at = [r[name] for r in rows if r["way"] == way and r["anomalies"] == count]
                cells.append(_share(at))
            lines.append(f"| {way} | {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def wrong_table(rows: list[Row]) -> str:
    """Markdown: what labels bring that are right, and of which some are wrong."""
    lines = [
        "| by | labels | AUC | pAUC | missed | false alarms |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for way in ("start", "head", "encoder"):
        for labels in ("none",) if way == "start" else ("right", "wrong"):
            at = [row for row in rows if row["way"] == way and row["labels"] == labels]
            if at:
                lines.append(
                    f"| {way} | {labels} | {_mean([r['auc'] for r in at])} | "
                    f"{_mean([r['pauc'] for r in at])} | {_share([r['misses'] for r in at])} | "
                    f"{_share([r['alarms'] for r in at])} |"
                )
    return "\n".join(lines)


def speed_table(rows: list[Row]) -> str:
    """Markdown: false alarms at another speed, before and after ten clips of it."""
    lines = [
        "| speed | by | AUC at that speed | missed | false alarms there | at the usual speed |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for speed in SPEEDS:
        for way in ("start", "head"):
            at = [row for row in rows if row["speed"] == speed and row["way"] == way]
            if at:
                lines.append(
                    f"| {speed:g} | {way} | {_mean([r['auc'] for r in at])} | "
                    f"{_share([r['misses'] for r in at])} | {_share([r['alarms'] for r in at])} | "
                    f"{_share([r['alarms_usual'] for r in at])} |"
                )
    return "\n".join(lines)


def _mean(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f}" if values else ""


def _share(values: Sequence[float]) -> str:
    return f"{np.mean(values):.1%}" if values else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["run", "table"])
    parser.add_argument("data", nargs="?")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--into", type=Path, nargs="*", default=[], help="pages with the markers")
    parser.add_argument("--figure", type=Path, help="SVG to draw the AUC to")
    parser.add_argument("--losses-figure", type=Path, help="SVG to draw the AUC by loss to")
    parser.add_argument("--what", nargs="+", choices=WHATS, default=list(WHATS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    chosen = parser.parse_args()
    if chosen.verb == "run":
        run(chosen.data, chosen.results, chosen.what, chosen.seeds)
        return
    rows = noted(chosen.results, chosen.seeds)
    of = {what: [row for row in rows if row["what"] == what] for what in WHATS}
    tables = {
        "labels": label_table(of["labels"]),
        "decisions": alarm_table(of["labels"]),
        "wrong": wrong_table(of["wrong"]),
        "speeds": speed_table(of["speeds"]),
        "losses": loss_table(rows),
    }
    print("\n\n".join(tables.values()))
    for file in chosen.into:
        page = file.read_text(encoding="utf-8")
        for name, table in tables.items():
            if f"<!-- {name}: begin -->" in page:
                page = between(page, name, table)
        file.write_text(page, encoding="utf-8")
    if chosen.figure:
        draw(of["labels"], chosen.figure)
    if chosen.losses_figure:
        draw_losses(by_loss(rows), chosen.losses_figure)


def draw(rows: list[Row], to: Path) -> None:
    """Draw AUC against the number of anomalies, a panel a machine, a line a way."""
    machines = sorted({row["machine"] for row in rows})
    with matplotlib.rc_context({"svg.hashsalt": "learning", "svg.fonttype": "none"}):
        figure = Figure(figsize=(8.6, 5.2), layout="constrained")
        for axes, machine in zip(figure.subplots(2, 2).flat, machines, strict=True):
            of = [row for row in rows if row["machine"] == machine]
            start = float(np.mean([row["auc"] for row in of if row["way"] == "start"]))
            for way, style in zip(WAYS, ("o-", "s-", "^--"), strict=True):
                by_count = {
                    count: [r["auc"] for r in of if r["way"] == way and r["anomalies"] == count]
                    for count in COUNTS
                }
                points = {0.5: start} | {n: np.mean(v) for n, v in by_count.items() if v}
                axes.plot(points.keys(), points.values(), style, label=way, markersize=4)
            axes.axhline(start, color="grey", linewidth=0.8, linestyle=":")
            axes.set_xscale("log", base=2)
            axes.set_xticks([0.5, *COUNTS], ["0", *map(str, COUNTS)])
            axes.set_ylim(min(row["auc"] for row in rows) - 0.005, 1.002)
            axes.set_title(machine, fontsize=10)
            axes.set_ylabel("AUC")
            axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=9)
        figure.supxlabel("anomalies to learn from", fontsize=10)
        figure.savefig(to, metadata={"Date": None})


def draw_losses(rows: dict[str, list[Row]], to: Path) -> None:
    """Draw AUC against the number of anomalies, a panel a way, a line a loss, mean of machines."""
    with matplotlib.rc_context({"svg.hashsalt": "losses", "svg.fonttype": "none"}):
        figure = Figure(figsize=(8.6, 3.6), layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        for axes, way in zip(panels, WAYS[:2], strict=True):
            for (loss, of), style in zip(rows.items(), ("o-", "s-", "^-", "v-", "D-"), strict=True):
                adapted = [row for row in of if row["way"] == way]
                if not adapted:
                    axes.plot([], [], style, label=loss)
                    continue
                points = {0.5: np.mean([row["auc"] for row in of if row["way"] == "start"])}
                for count in COUNTS[:-1]:
                    at = [row["auc"] for row in adapted if row["anomalies"] == count]
                    points[count] = np.mean(at)
                axes.plot(points.keys(), points.values(), style, label=loss, markersize=4)
            axes.set_xscale("log", base=2)
            axes.set_xticks([0.5, *COUNTS[:-1]], ["0", *map(str, COUNTS[:-1])])
            axes.set_title(f"by the {way}", fontsize=10)
            axes.spines[["top", "right"]].set_visible(False)
        panels[0].set_ylabel("AUC, mean of four machines")
        panels[0].legend(frameon=False, fontsize=9, loc="lower right")
        figure.supxlabel("anomalies to learn from", fontsize=10)
        figure.savefig(to, metadata={"Date": None})


if __name__ == "__main__":
    main()
