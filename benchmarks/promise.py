r"""Measures whether thresholds keep the false-alarm rate that they promise.

    python benchmarks/promise.py run DATA --results benchmarks/results/promise.jsonl
    python benchmarks/promise.py table --results benchmarks/results/promise.jsonl \
        --into docs/explanation/decisions.md

DATA holds recordings in the DCASE layout; its machines with ten normal clips or more take part. A
run is one of

    real       the machines of DATA
    factory    synthetic machines, two of each type, 60 clips each; severities 0.6 to 1

and a seed. Of every machine the threshold is fitted for 1, 5 and 10 %: to all its normals, each
scored by a model that had not learnt from it, and to those alone that the detector held out. One
that is noted already is not done again. Nothing is chosen by these figures.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from scipy.stats import t as student

from page import between
from rattle import Detector, Manifest, fit_fleet
from rattle.clips.layouts import load_manifest
from rattle.synthetic import write_factory
from rows import Row, note, noted

RATES = (0.01, 0.05, 0.1)
SEEDS = (0, 1, 2)
WHATS = ("real", "factory")
WAYS = {"all": "all normals, cross-fitted", "held out": "the held-out fifth alone"}


def judged(detector: Detector, clips: Manifest) -> Iterator[Row]:
    """How many test clips of each class lie above the threshold for each rate, either way."""
    normal, anomaly = (
        np.array([clip.score for clip in detector.score(list(of.table["path"]))])
        for of in (clips.of(detector.machine, split="test", label=x) for x in ("normal", "anomaly"))
    )
    alone = detector.with_info(detector.info.model_copy(update={"cross_fitted": ()}))
    for way, judge in (("all", detector), ("held out", alone)):
        for rate in RATES:
            threshold = judge.at_rate(rate).threshold
            yield {
                "machine": str(detector.machine),
                "way": way,
                "rate": rate,
                "clips": threshold.clips,
                "supported": threshold.supported,
                "normals": len(normal),
                "alarms": int((normal > threshold.value).sum()),
                "anomalies": len(anomaly),
                "missed": int((anomaly <= threshold.value).sum()),
            }


def rows_of(what: str, seed: int, data: Path) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        if what == "factory":
            data = Path(folder)
            write_factory(
                data,
                seed=900 + seed,
                ids_per_type=2,
                test_normal=100,
                test_anomaly=40,
                severity=(0.6, 1.0),
            )
        clips = load_manifest(data)
        began = time.process_time()
        detectors = fit_fleet(clips, seed=seed)
        cpu_s = round(time.process_time() - began, 1)
        for detector in detectors.values():
            for row in judged(detector, clips):
                yield {"what": what, "seed": seed, **row, "cpu_s": cpu_s}


def table(rows: Sequence[Row]) -> str:
    """Markdown: the rate kept and the faults missed, over machines, by way and rate asked for."""
    lines = [
        "| threshold fitted to | asked | healthy clips called anomalous | on real machines | "
        "on synthetic ones | faults missed |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for way, title in WAYS.items():
        for rate in RATES:
            of = [row for row in rows if row["way"] == way and row["rate"] == rate]
            kept = [_over_machines([r for r in of if r["what"] == what]) for what in WHATS]
            missed = _mean(_by_machine(of, "missed", "anomalies"))
            too_few = "" if all(row["supported"] for row in of) else " (too few clips)"
            lines.append(
                f"| {title} | {rate:.0%}{too_few} | {_over_machines(of)} | {kept[0]} | {kept[1]} "
                f"| {missed:.1%} |"
            )
    return "\n".join(lines)


def machine_table(rows: Sequence[Row]) -> str:
    """Markdown: each machine at 5 %, mean over seeds."""
    of = [row for row in rows if row["way"] == "all" and row["rate"] == 0.05]
    lines = [
        "| machine | normals | test normals | called anomalous | faults | missed |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for what, machine in sorted({(row["what"], row["machine"]) for row in of}):
        its = [row for row in of if (row["what"], row["machine"]) == (what, machine)]
        one = its[0]
        shares = [
            _mean([row[count] / row[total] for row in its])
            for count, total in (("alarms", "normals"), ("missed", "anomalies"))
        ]
        lines.append(
            f"| {machine} ({what}) | {one['clips']} | {one['normals']} | {shares[0]:.1%} | "
            f"{one['anomalies']} | {shares[1]:.1%} |"
        )
    return "\n".join(lines)


def _by_machine(rows: Sequence[Row], count: str, total: str) -> list[float]:
    """Each machine's share, mean over seeds; synthetic ones differ from seed to seed."""
    shares: dict[object, list[float]] = {}
    for row in rows:
        key = row["machine"] if row["what"] == "real" else (row["machine"], row["seed"])
        shares.setdefault(key, []).append(row[count] / row[total])
    return [_mean(of) for of in shares.values()]


def _over_machines(rows: Sequence[Row]) -> str:
    """Mean over machines, and its 95 % interval for the choice of machines (Student's t)."""
    shares = _by_machine(rows, "alarms", "normals")
    if not shares:
        return ""
    reach = student.ppf(0.975, len(shares) - 1) * np.std(shares, ddof=1) / len(shares) ** 0.5
    mean = _mean(shares)
    return f"{mean:.1%} ({max(mean - reach, 0):.1%} to {mean + reach:.1%})"


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["run", "table"])
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--into", type=Path, help="a page with the markers")
    parser.add_argument("--what", nargs="+", choices=WHATS, default=list(WHATS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    chosen = parser.parse_args()
    if chosen.verb == "run":
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
        note(
            chosen.results,
            chosen.what,
            chosen.seeds,
            lambda what, seed: rows_of(what, seed, chosen.data),
        )
        return
    rows = noted(chosen.results, chosen.seeds)
    tables = {"promise": table(rows), "promise by machine": machine_table(rows)}
    print("\n\n".join(tables.values()))
    if chosen.into:
        page = chosen.into.read_text(encoding="utf-8")
        for name, text in tables.items():
            page = between(page, name, text)
        chosen.into.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
