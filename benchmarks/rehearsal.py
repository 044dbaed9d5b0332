r"""Compares the rehearsal by synthetic faults with what labelled faults give, machine by machine.

    python benchmarks/rehearsal.py run DATA --results benchmarks/results/rehearsal.jsonl
    python benchmarks/rehearsal.py table --results benchmarks/results/rehearsal.jsonl \
        --into docs/explanation/rehearsal.md

DATA holds fan/id_00, fan/id_02, slider/id_00 and slider/id_02 in the DCASE layout; other machines
in it take part in the fleet. A run is one of

    real      these four machines, with their labelled anomalies
    factory   two synthetic machines of each type, another factory for each seed, with their own
              faults at severity 0.3, 0.6 and 1

and a seed. Each detector is rehearsed as `rattle rehearse BUNDLE` does it, on the held-out clips
that its bundle keeps. One that is noted already is not done again. Kinds and levels of the
rehearsal were fixed before, and nothing is chosen by these figures.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import permutations
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata

from hearing import MACHINES, spread, trained
from page import between
from rattle import Detector, Manifest, Recipe
from rattle.clips.layouts import load_manifest
from rattle.evaluation.metrics import auc
from rattle.runtime.healthy import stored_clips
from rattle.runtime.rehearsal import Rehearsal, rehearse
from rattle.synthetic import write_factory
from rows import Row, note, noted

SEEDS = (0, 1, 2)
SEVERITIES = (0.3, 0.6, 1.0)
WHATS = ("real", "factory")
# The rates whose thresholds are compared: the recipe's, and one that a dozen clips can show.
RATES = ("0.05", "0.2")
DRAWS = 10_000
Scores = NDArray[np.float64]


def scores_of(detector: Detector, clips: Manifest, label: str) -> Scores:
    """Scores of the machine's test clips of a label."""
    paths = clips.of(detector.machine, split="test", label=label).table["path"]
    return np.array([clip.score for clip in detector.score(list(paths))])


def compared(rehearsal: Rehearsal, normal: Scores, anomaly: Scores) -> Row:
    """Shares found in the rehearsal and of the labelled anomalies, at the same thresholds."""
    laid = np.array([fault.scores for fault in rehearsal.faults]).ravel()
    levels = {
        kind: rehearsal.half_found_from_db(kind, rehearsal.threshold.value)
        for kind in rehearsal.kinds
    }
    return {
        "held_out": rehearsal.threshold.clips,
        "rehearsed_auc": round(auc(np.array(rehearsal.healthy), laid), 4),
        "auc": round(auc(normal, anomaly), 4),
        "anomalies": len(anomaly),
        "half_found_from_db": {
            kind: None if level is None else round(level, 1) for kind, level in levels.items()
        },
        "at": {
            f"{threshold.false_alarm_rate:g}": {
                "rehearsed": round(rehearsal.found(threshold.value).value, 4),
                "found": round(float(np.mean(anomaly > threshold.value)), 4),
                "alarms": round(float(np.mean(normal > threshold.value)), 4),
            }
            for threshold in rehearsal.thresholds
        },
    }


def real_rows(seed: int, clips: Manifest) -> Iterator[Row]:
    for detector in trained(clips, list(MACHINES), Recipe.load("fleet"), seed):
        rehearsal = rehearse(detector, stored_clips(detector))
        normal, anomaly = (scores_of(detector, clips, label) for label in ("normal", "anomaly"))
        row = {"what": "real", "seed": seed, "machine": str(detector.machine)}
        yield {**row, **compared(rehearsal, normal, anomaly)}


def factory_rows(seed: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        roots = {severity: Path(folder) / str(severity) for severity in SEVERITIES}
        for severity, root in roots.items():
            # The same machines, the same normal clips: the seed decides both.
            write_factory(
                root,
                seed=700 + seed,
                ids_per_type=2,
                train_clips=60,
                test_normal=40,
                test_anomaly=60,
                severity=(severity, severity),
                workers=1,
            )
        clips = {severity: load_manifest(root) for severity, root in roots.items()}
        first = clips[SEVERITIES[0]]
        for detector in trained(first, first.machines(), Recipe.load("fleet"), seed):
            rehearsal = rehearse(detector, stored_clips(detector))
            normal = scores_of(detector, first, "normal")
            for severity, test in clips.items():
                anomaly = scores_of(detector, test, "anomaly")
                row = {"what": "factory", "seed": seed, "machine": str(detector.machine)}
                yield {**row, "severity": severity, **compared(rehearsal, normal, anomaly)}


def run(data: str, results: Path, whats: Sequence[str], seeds: Sequence[int]) -> None:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    clips = load_manifest(Path(data))
    note(
        results,
        whats,
        seeds,
        lambda what, seed: real_rows(seed, clips) if what == "real" else factory_rows(seed),
    )


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's: that of the ranks, ties in the middle; NaN where one of them does not vary."""
    ranks = [rankdata(values) for values in (first, second)]
    if any(np.ptp(of) == 0 for of in ranks):
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])


def chance(first: Sequence[float], second: Sequence[float]) -> float:
    """Share of the orders in which the correlation is as far from 0: all of few, draws of many."""
    rng = np.random.default_rng(0)
    few = len(second) <= 6
    orders = permutations(second) if few else (rng.permutation(second) for _ in range(DRAWS))
    there = abs(rank_correlation(first, second)) - 1e-9
    return float(np.mean([abs(rank_correlation(first, order)) >= there for order in orders]))


def interval(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the correlation by drawing machines again (bootstrap percentiles)."""
    rng, count = np.random.default_rng(0), len(first)
    a, b = np.array(first), np.array(second)
    drawn = [rank_correlation(a[of], b[of]) for of in rng.integers(count, size=(DRAWS, count))]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def of_machines(rows: list[Row], figure: Callable[[Row], float]) -> list[float]:
    """A figure of each machine, mean over its rows."""
    machines = sorted({row["machine"] for row in rows})
    return [float(np.mean([figure(r) for r in rows if r["machine"] == m])) for m in machines]


def named_apart(rows: list[Row]) -> list[Row]:
    """Rows of factories, where another seed is another machine of the same name."""
    return [{**row, "machine": f"{row['machine']}, {row['seed']}"} for row in rows]


def rank_table(rows: list[Row]) -> str:
    """Markdown: does the rehearsal rank machines as their faults do, by share and by AUC?"""
    real = [row for row in rows if row["what"] == "real"]
    seeds = sorted({row["seed"] for row in real})
    groups = {"real, mean of seeds": real}
    groups |= {f"real, seed {seed}": [r for r in real if r["seed"] == seed] for seed in seeds}
    for severity in SEVERITIES:
        of = [row for row in rows if row.get("severity") == severity]
        groups[f"synthetic, severity {severity:g}"] = named_apart(of)
    lines = [
        "| machines | number | at 5 %: correlation (95 %) | p | at 20 %: correlation | p | "
        "of AUC: correlation | p |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for name, of in groups.items():
        pairs = [
            (
                of_machines(of, lambda row, rate=rate: row["at"][rate]["rehearsed"]),
                of_machines(of, lambda row, rate=rate: row["at"][rate]["found"]),
            )
            for rate in RATES
        ]
        pairs.append(
            (of_machines(of, lambda r: r["rehearsed_auc"]), of_machines(of, lambda r: r["auc"]))
        )
        cells = []
        for place, pair in enumerate(pairs):
            cell = f"{rank_correlation(*pair):.2f}"
            if place == 0 and len(pair[0]) > 6:
                low, high = interval(*pair)
                cell += f" ({low:.2f} to {high:.2f})"
            cells += [cell, f"{chance(*pair):.3f}"]
        lines.append(f"| {name} | {len(pairs[0][0])} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def real_table(rows: list[Row]) -> str:
    """Markdown: shares of each real machine at 5 %, mean over seeds (smallest to largest)."""
    lines = [
        "| machine | rehearsed faults found | real faults found | false alarms | AUC, real |",
        "|---|---|---|---|---|",
    ]
    for machine in map(str, MACHINES):
        of = [row for row in rows if row["what"] == "real" and row["machine"] == machine]
        cells = [
            spread([row["at"]["0.05"][name] for row in of])
            for name in ("rehearsed", "found", "alarms")
        ]
        lines.append(f"| {machine} | " + " | ".join(cells) + f" | {spread(aucs(of))} |")
    return "\n".join(lines)


def aucs(rows: list[Row]) -> list[float]:
    return [row["auc"] for row in rows]


def type_table(rows: list[Row]) -> str:
    """Markdown: shares of the synthetic types at 5 %, mean over machines (smallest to largest)."""
    factory = [row for row in rows if row["what"] == "factory"]
    lines = [
        "| type | rehearsed faults found | "
        + " | ".join(f"its own faults at {severity:g}" for severity in SEVERITIES)
        + " |",
        "|---|---|" + "---|" * len(SEVERITIES),
    ]
    for type_ in sorted({row["machine"].partition("/")[0] for row in factory}):
        of = [row for row in factory if row["machine"].startswith(f"{type_}/")]
        at = {s: [row["at"]["0.05"] for row in of if row["severity"] == s] for s in SEVERITIES}
        cells = [spread([row["rehearsed"] for row in at[SEVERITIES[0]]])]
        cells += [spread([row["found"] for row in at[severity]]) for severity in SEVERITIES]
        lines.append(f"| {type_.removeprefix('synth_')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["run", "table"])
    parser.add_argument("data", nargs="?")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--into", type=Path, help="page with the markers")
    parser.add_argument("--what", nargs="+", choices=WHATS, default=list(WHATS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    chosen = parser.parse_args()
    if chosen.verb == "run":
        run(chosen.data, chosen.results, chosen.what, chosen.seeds)
        return
    rows = noted(chosen.results, chosen.seeds)
    tables = {"ranks": rank_table(rows), "real": real_table(rows), "types": type_table(rows)}
    print("\n\n".join(tables.values()))
    if chosen.into:
        page = chosen.into.read_text(encoding="utf-8")
        for name, table in tables.items():
            page = between(page, name, table)
        chosen.into.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
