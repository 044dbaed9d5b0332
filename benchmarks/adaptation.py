"""What the open numbers of adaptation are worth: batches, iterations, learning rate.

Adapts bundles with 16 anomalies each and measures the AUC before and after, on clips that no figure
of docs/results.md is tested on: of machines that figure 2 leaves out, their other test clips; of
those that it adapts, the 48 other anomalies that it sets apart, against held-out normals. Resumes:
a row that is in the results is not computed again.

    python benchmarks/adaptation.py run DATA BUNDLES --results benchmarks/results/adaptation.jsonl
    python benchmarks/adaptation.py table --results benchmarks/results/adaptation.jsonl \\
        --into docs/explanation/numerics.md

BUNDLES is a folder that `rattle reproduce table2` wrote.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from rattle.atomic import write_text
from rattle.clips.layouts import load_manifest
from rattle.clips.manifest import Manifest
from rattle.detector import Detector
from rattle.detector.adapt import AdaptJob
from rattle.detector.finish import make
from rattle.evaluation.metrics import auc
from rattle.experiments.task import draw_anomalies
from rattle.runs.write import recordings_of
from rattle.scoring.clip import clip_value
from rows import noted

MACHINES = ("fan_id_02", "slider_id_02", "fan_id_00", "slider_id_00")
# Of these figure 2 sets so many anomalies apart; only they are looked at here.
IN_FIGURE = {"fan_id_00": 64, "slider_id_00": 64}
ANOMALIES = 16
BEGIN, END = "<!-- adaptation: begin -->", "<!-- adaptation: end -->"
VARIANTS: dict[str, dict[str, Any]] = {
    "31:1, half the iterations, restart": {"anomalies_per_batch": 1},
    "31:1, half the iterations, continue": {"anomalies_per_batch": 1, "learning_rate": "continue"},
    "31:1, as many iterations": {"anomalies_per_batch": 1, "iterations": 150},
    "31:1, twice the iterations": {"anomalies_per_batch": 1, "iterations": 300},
    "28:4, half the iterations": {"anomalies_per_batch": 4},
    "24:8, half the iterations": {"anomalies_per_batch": 8},
    "16:16, half the iterations": {"anomalies_per_batch": 16},
    "24:8, as many iterations": {"anomalies_per_batch": 8, "iterations": 150},
    "24:8, half the iterations, continue": {"anomalies_per_batch": 8, "learning_rate": "continue"},
    "24:8, half the iterations, anneal": {"anomalies_per_batch": 8, "learning_rate": "anneal"},
    "16:16, half the iterations, anneal": {"anomalies_per_batch": 16, "learning_rate": "anneal"},
}


def one_run(data: str, bundles: str, variant: str, machine: str, seed: int) -> dict[str, Any]:
    torch.set_num_threads(1)
    path = Path(bundles, "bce+ddcsad", f"seed-{seed}", f"{machine}.rattle")
    parent = Detector.load(path)
    recipe = parent.recipe.with_values(adaptation=VARIANTS[variant])
    parent = replace(parent, info=parent.info.model_copy(update={"recipe": recipe}))
    clips = load_manifest(Path(data))
    given, left = shares(clips, parent, IN_FIGURE.get(machine, 0), seed)
    nothing = Manifest(given.table.clear())

    started = time.process_time()
    (child,) = make(AdaptJob(parent, given, nothing, recordings_of(path, parent), seed))
    cpu_s = time.process_time() - started
    return {
        "variant": variant,
        "machine": machine,
        "seed": seed,
        "before": aucs(parent, left),
        "after": aucs(child, left),
        "cpu_s": round(cpu_s, 1),
    }


def shares(
    clips: Manifest, parent: Detector, set_apart: int, seed: int
) -> tuple[Manifest, pl.DataFrame]:
    """The anomalies to adapt with, and the labelled clips to measure on."""
    if set_apart:
        drawn = draw_anomalies(clips, parent.machine, set_apart, seed)
        given, others = drawn[:ANOMALIES], Manifest.from_clips(drawn[ANOMALIES:]).table
        held_out = pl.col("content_hash").is_in(parent.info.provenance.held_out)
        normals = clips.of(parent.machine, split="train").table.filter(held_out)
        return Manifest.from_clips(given), pl.concat([others, normals])
    test = clips.of(parent.machine, split="test")
    anomalies = test.of(label="anomaly").table
    drawn_rows = np.random.default_rng([seed, 1]).permutation(anomalies.height)[:ANOMALIES]
    table = anomalies[np.sort(drawn_rows)]
    return Manifest(table), test.table.join(table, on="content_hash", how="anti")


def aucs(detector: Detector, clips: pl.DataFrame) -> dict[str, float]:
    """AUC by p, by the blend of the recipe and by d, over labelled clips."""
    parts = {
        label: [
            detector.parts(detector.front_end.read(path))
            for path in clips.filter(pl.col("label") == label)["path"]
        ]
        for label in ("normal", "anomaly")
    }
    found = {}
    for name, alpha in (("p", 1.0), ("blend", detector.info.alpha), ("d", 0.0)):
        mix = replace(detector.mix(), alpha=alpha)
        values = (np.array([clip_value(p, mix) for p in parts[label]]) for label in parts)
        found[name] = round(auc(*values), 4)
    return found


def run(data: str, bundles: str, results: Path, seeds: list[int], variants: list[str]) -> None:
    done = {(row["variant"], row["machine"], row["seed"]) for row in noted(results)}
    todo = [(v, m, s) for s in seeds for v in variants for m in MACHINES if (v, m, s) not in done]
    results.parent.mkdir(parents=True, exist_ok=True)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as pool, results.open("a") as file:
        futures = [pool.submit(one_run, data, bundles, *task) for task in todo]
        for future in as_completed(futures):
            file.write(json.dumps(future.result()) + "\n")
            file.flush()
            print(future.result(), flush=True)


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: AUC by the recipe's blend before and after, for each machine and variant."""
    lines = [
        f"AUC with {ANOMALIES} anomalies; loss bce+ddcsad, alpha 0.5; mean over seeds 0 and 1, or "
        "the seed in brackets where only one was run",
        "",
        "| outliers to anomalies a batch | " + " | ".join(MACHINES) + " | mean |",
        "|---|" + "---|" * (len(MACHINES) + 1),
        _row("not adapted", "before", rows),
    ]
    for variant in VARIANTS:
        some = [row for row in rows if row["variant"] == variant]
        if some:
            lines.append(_row(variant, "after", some))
    return "\n".join(lines)


def _row(name: str, when: str, rows: list[dict[str, Any]]) -> str:
    cells, means = [], []
    for machine in MACHINES:
        of_seed = {row["seed"]: row[when]["blend"] for row in rows if row["machine"] == machine}
        if not of_seed:
            cells.append("-")
            continue
        means.append(np.mean(list(of_seed.values())))
        only = f" ({next(iter(of_seed))})" if len(of_seed) == 1 else ""
        cells.append(f"{means[-1]:.3f}{only}")
    whole = len(means) == len(MACHINES)
    return "| " + " | ".join([name, *cells, f"{np.mean(means):.3f}" if whole else "-"]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["run", "table"])
    parser.add_argument("data", nargs="?")
    parser.add_argument("bundles", nargs="?")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--into", type=Path, help="page to write the table into")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    chosen = parser.parse_args()
    if chosen.verb == "run":
        run(chosen.data, chosen.bundles, chosen.results, chosen.seeds, chosen.variants)
        return
    text = table(noted(chosen.results, chosen.seeds))
    print(text)
    if chosen.into:
        before, _, rest = chosen.into.read_text(encoding="utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        write_text(chosen.into, f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


if __name__ == "__main__":
    main()
