r"""Trains every loss, and numerics the paper leaves open, on real machines and notes what came out.

    python benchmarks/losses.py run DATA --results benchmarks/results/losses.jsonl
    python benchmarks/losses.py table --results benchmarks/results/losses.jsonl \
        --into docs/explanation/numerics.md

DATA holds fan/id_00, fan/id_02, slider/id_00 and slider/id_02 in the DCASE layout. A run is a
variant, a machine and a seed; a run that is noted already is not done again. For each run:

- validation AUC, for choosing: held-out training normals against the same clips with faults laid
  over them (rattle.synthetic.overlay_fault, 5 to 15 dB below the recording). A user without
  labelled anomalies has this too, so defaults may be chosen by it.
- test AUC, for information: the data's test clips. Nothing is chosen by it.

Both are noted for alpha = 0, 0.1 ... 1 of equation 5 on the fixed scale.
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
import torch

from rattle import Detector, Machine, Recipe
from rattle.atomic import write_text
from rattle.clips.layouts import load_manifest
from rattle.detector.finish import make
from rattle.detector.job import Watch
from rattle.detector.own import OwnJob
from rattle.evaluation.metrics import auc
from rattle.scoring.clip import ClipParts, clip_value
from rattle.synthetic import FAULT_KINDS, overlay_fault
from rows import noted

MACHINES = ("fan/id_00", "fan/id_02", "slider/id_00", "slider/id_02")
SEEDS = (0, 1, 2)
BEGIN, END = (f"<!-- losses.py: {word} -->" for word in ("begin", "end"))
ALPHAS = tuple(round(0.1 * i, 1) for i in range(11))

VARIANTS: dict[str, dict[str, dict[str, object]]] = {
    "bce+ddcsad": {"loss": {"name": "bce+ddcsad"}},
    "bce": {"loss": {"name": "bce"}},
    "sum, eps 1e-6": {"loss": {"name": "bce+ddcsad", "distance": "sum", "epsilon": 1e-6}},
    "mean, eps 1e-6": {"loss": {"name": "bce+ddcsad", "distance": "mean", "epsilon": 1e-6}},
    "ddcsad": {"loss": {"name": "ddcsad"}},
    "dsad": {"loss": {"name": "dsad"}},
    "bce+dsad": {"loss": {"name": "bce+dsad"}},
}


def one_run(data: str, variant: str, machine_name: str, seed: int) -> dict[str, object]:
    torch.set_num_threads(1)
    clips, machine = load_manifest(Path(data)), Machine.parse(machine_name)
    recipe = Recipe.load("small").with_values(**VARIANTS[variant])
    losses: list[float] = []
    started = time.process_time()
    watch = Watch(on_step=lambda step: losses.append(step.loss))
    (detector,) = make(OwnJob(clips, machine, recipe, seed), watch=watch)
    cpu_s = time.process_time() - started

    held = [
        clip.path
        for clip in clips.of(machine)
        if clip.content_hash in detector.info.provenance.held_out
    ]
    rng = np.random.default_rng([seed, 17])
    normal, faulty = [], []
    for path in held:
        samples = detector.front_end.read(path)
        normal.append(detector.parts(samples))
        for kind in FAULT_KINDS:
            worn = overlay_fault(
                samples,
                kind=kind,
                level_db=rng.uniform(-15, -5),
                sample_rate_hz=recipe.audio.sample_rate_hz,
                rng=rng,
            )
            faulty.append(detector.parts(worn))
    test = {
        label: [
            detector.parts(detector.front_end.read(clip.path))
            for clip in clips.of(machine, split="test", label=label)
        ]
        for label in ("normal", "anomaly")
    }
    return {
        "variant": variant,
        "machine": machine_name,
        "seed": seed,
        "validation": aucs(detector, normal, faulty),
        "test": aucs(detector, test["normal"], test["anomaly"]),
        "first_loss": round(float(np.mean(losses[:5])), 4),
        "last_loss": round(float(np.mean(losses[-5:])), 4),
        "cpu_s": round(cpu_s, 1),
    }


def aucs(detector: Detector, normal: list[ClipParts], anomaly: list[ClipParts]) -> dict[str, float]:
    """AUC for each alpha of equation 5; a loss of one part has one alpha."""
    loss = detector.recipe.loss.name
    alphas = ALPHAS if loss.startswith("bce+") else (1.0 if loss == "bce" else 0.0,)
    mixes = {alpha: replace(detector.mix(), alpha=alpha) for alpha in alphas}
    return {
        str(alpha): round(
            auc(*(np.array([clip_value(p, mix) for p in clips]) for clips in (normal, anomaly))), 4
        )
        for alpha, mix in mixes.items()
    }


def run(data: str, results: Path, workers: int, variants: list[str], seeds: list[int]) -> None:
    done = {(r["variant"], r["machine"], r["seed"]) for r in noted(results)}
    todo = [
        (variant, machine, seed)
        for variant in variants
        for seed in seeds
        for machine in MACHINES
        if (variant, machine, seed) not in done
    ]
    results.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool, results.open("a") as file:
        futures = {pool.submit(one_run, data, *task): task for task in todo}
        for count, future in enumerate(as_completed(futures), start=1):
            error = future.exception()
            if error is not None:
                print(f"{futures[future]} failed: {error!r}", flush=True)
                continue
            row = future.result()
            file.write(json.dumps(row) + "\n")
            file.flush()
            left_s = (time.monotonic() - started) / count * (len(todo) - count)
            print(f"{count}/{len(todo)}, {left_s / 60:.0f} min left: {row}", flush=True)


def tables(rows: list[dict[str, Any]]) -> str:
    """Two Markdown tables: validation and test AUC of each variant, mean over its seeds."""
    parts = []
    for kind in ("validation", "test"):
        lines = [
            f"{kind.capitalize()} AUC, mean over seeds (smallest to largest)",
            "",
            "| variant | score | seeds | " + " | ".join(MACHINES) + " | mean |",
            "|---|---|---|" + "---|" * (len(MACHINES) + 1),
        ]
        for variant in VARIANTS:
            of = [row for row in rows if row["variant"] == variant]
            for alpha, name in (("1.0", "p"), ("0.5", "blend"), ("0.0", "d")):
                lines += _table_row(of, kind, variant, alpha, name)
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _table_row(
    rows: list[dict[str, Any]], kind: str, variant: str, alpha: str, name: str
) -> list[str]:
    cells, means = [], []
    seeds = sorted({row["seed"] for row in rows})
    for machine in MACHINES:
        found = [r[kind][alpha] for r in rows if r["machine"] == machine and alpha in r[kind]]
        if not found:
            return []
        means.append(np.mean(found))
        spread = f" ({min(found):.3f} to {max(found):.3f})" if len(found) > 1 else ""
        cells.append(f"{np.mean(found):.3f}{spread}")
    row = [variant, name, str(len(seeds)), *cells, f"**{np.mean(means):.3f}**"]
    return ["| " + " | ".join(row) + " |"]


def write_into(page: Path, text: str) -> None:
    """Put ``text`` between the page's two markers."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    write_text(page, f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["run", "table"])
    parser.add_argument("data", nargs="?")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--into", type=Path, help="page to write the tables into")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    chosen = parser.parse_args()
    if chosen.verb == "run":
        run(chosen.data, chosen.results, chosen.workers, chosen.variants, chosen.seeds)
        return
    text = tables(noted(chosen.results, chosen.seeds))
    print(text)
    if chosen.into:
        write_into(chosen.into, text)


if __name__ == "__main__":
    main()
