r"""Measures what a fleet's encoder hears: real machines, few machines, enrolment, synthetic faults.

    python benchmarks/hearing.py run DATA --results benchmarks/results/hearing.jsonl
    python benchmarks/hearing.py table --results benchmarks/results/hearing.jsonl \
        --into docs/explanation/hearing.md

DATA holds fan/id_00, fan/id_02, slider/id_00 and slider/id_02 in the DCASE layout; other machines
in it take part in the fleet. A run is one of

    fleet     all machines at once, recipe fleet
    small     an encoder for each machine on log-mels, recipe small
    alone     fleet, of a folder that holds one machine
    pair      fleet, of fan/id_00 and slider/id_00 and nothing else
    enrol     fleet without a machine, which then joins by its head alone
    factory   fleet and small on synthetic machines, each fault at severity 0.6 and 1
    wander    fleet of one synthetic fan whose speed differs from clip to clip by 1 %, with detuned
              copies as far away as the rule says, and with them at 1.5 %
    choice    fleet with one choice made otherwise, on the real and on the synthetic machines

and a seed. One that is noted already is not done again. Nothing is chosen by these figures.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import polars as pl
import soundfile as sf
import torch

import rattle
from page import between
from rattle import Detector, Machine, Manifest, Recipe
from rattle.clips.layouts import load_manifest
from rattle.evaluation.metrics import auc, pauc
from rattle.learning import detuned as learning_detuned
from rattle.scoring.clip import ClipScore
from rattle.synthetic import detuned, write_factory
from rows import Row, note, noted

MACHINES = tuple(map(Machine.parse, ("fan/id_00", "fan/id_02", "slider/id_00", "slider/id_02")))
PAIR = (MACHINES[0], MACHINES[2])
SEEDS = (0, 1, 2)
SEVERITIES = (0.6, 1.0)
# What the recipe fleet might have instead of what it has.
CHOICES: dict[str, dict[str, dict[str, Any]]] = {
    "no mixup": {"training": {"mixup": False}},
    "no loss of a branch by itself": {"network": {"branch_weight": 0.0}},
    "a clip heard once and whole": {"scoring": {"view": "whole"}},
    "d from c_p": {"scoring": {"distance": "centroid"}},
}
WHATS = (
    "fleet",
    "small",
    "alone",
    "pair",
    "enrol",
    "factory fleet",
    "factory small",
    "wander rule",
    "wander near",
    *(f"choice {name}" for name in CHOICES),
)
WANDER, FANS = 0.01, 3


def figures(normal: Sequence[ClipScore], anomaly: Sequence[ClipScore]) -> dict[str, float]:
    """AUC of p, d and s alone, and the pAUC of s."""
    parts: dict[str, Callable[[ClipScore], float | None]] = {
        "p": lambda clip: None if clip.posterior is None else -clip.posterior,
        "d": lambda clip: clip.distance,
        "s": lambda clip: clip.score,
    }
    found = {}
    for name, part in parts.items():
        values = [np.array([part(clip) for clip in of]) for of in (normal, anomaly)]
        if all(value.dtype != object for value in values):
            found[name] = round(auc(*values), 4)
    scores = [np.array([clip.score for clip in of]) for of in (normal, anomaly)]
    return {**found, "pauc": round(pauc(*scores), 4)}


def tested(detector: Detector, clips: Manifest) -> dict[str, float]:
    """Figures of the machine's test clips."""
    normal, anomaly = (
        detector.score(list(clips.of(detector.machine, split="test", label=label).table["path"]))
        for label in ("normal", "anomaly")
    )
    return figures(normal, anomaly)


def only(clips: Manifest, machines: Iterable[Machine]) -> Manifest:
    return Manifest(pl.concat([clips.of(machine).table for machine in machines]).sort("path"))


def real_rows(what: str, seed: int, clips: Manifest) -> Iterator[Row]:
    """Train and test on real machines."""
    recipe = Recipe.load("small" if what == "small" else "fleet")
    trainings: dict[str, list[tuple[Manifest, list[Machine]]]] = {
        "fleet": [(clips, list(MACHINES))],
        "small": [(clips, list(MACHINES))],
        "alone": [(only(clips, [machine]), [machine]) for machine in MACHINES],
        "pair": [(only(clips, PAIR), list(PAIR))],
        "enrol": [(clips.without(machine), [machine]) for machine in MACHINES],
    }
    for data, machines in trainings[what]:
        began = time.process_time()
        if what == "enrol":
            (joining,) = machines
            parent = rattle.fit(data, next(m for m in MACHINES if m != joining), seed=seed)
            began = time.process_time()
            detectors = [rattle.enrol(parent, clips, joining, seed=seed)]
        else:
            detectors = trained(data, machines, recipe, seed)
        cpu_s = time.process_time() - began
        for detector in detectors:
            row = {"what": what, "seed": seed, "machine": str(detector.machine)}
            yield {**row, **tested(detector, clips), "cpu_s": round(cpu_s, 1)}


def trained(
    clips: Manifest,
    machines: Sequence[Machine],
    recipe: Recipe,
    seed: int,
    *,
    cross_fit: bool = False,
) -> list[Detector]:
    """Train detectors; without siblings, which change the threshold and nothing else."""
    from rattle.detector.finish import make
    from rattle.detector.fit import training_jobs

    recipe = recipe.with_values(training={"cross_fit": cross_fit})
    jobs = training_jobs(clips, machines, recipe, seed=seed)
    return [detector for job in jobs for detector in make(job)]


def choice_rows(name: str, seed: int, clips: Manifest) -> Iterator[Row]:
    """Train and test on real and on synthetic machines with one choice made otherwise."""
    recipe, what = Recipe.load("fleet").with_values(**CHOICES[name]), f"choice {name}"
    for detector in trained(clips, list(MACHINES), recipe, seed):
        row = {"what": what, "seed": seed, "machine": str(detector.machine)}
        yield {**row, **tested(detector, clips)}
    yield from factory_rows(recipe, what, seed)


def factory_rows(recipe: Recipe, what: str, seed: int) -> Iterator[Row]:
    """Train on synthetic machines, test each type and fault at each severity."""
    with tempfile.TemporaryDirectory() as folder:
        roots = {severity: Path(folder) / str(severity) for severity in SEVERITIES}
        for severity, root in roots.items():
            # The same machines, the same training clips: the seed decides both.
            write_factory(
                root,
                seed=11 + seed,
                ids_per_type=3,
                train_clips=48,
                test_normal=60,
                test_anomaly=120,
                severity=(severity, severity),
            )
        clips = load_manifest(roots[SEVERITIES[0]])
        began = time.process_time()
        detectors = trained(clips, clips.machines(), recipe, seed)
        cpu_s = time.process_time() - began
        aucs: dict[tuple[str, str, float], list[float]] = {}
        for severity, root in roots.items():
            faults = json.loads((root / "factory.json").read_text())["anomalies"]
            of_fault = {str(root / path): told["fault"] for path, told in faults.items()}
            test = load_manifest(root).of(split="test")
            for detector in detectors:
                normals = clips.of(detector.machine, split="test", label="normal")
                normal = [clip.score for clip in detector.score(list(normals.table["path"]))]
                found: dict[str, list[float]] = {}
                anomalies = test.of(detector.machine, label="anomaly").table["path"]
                for clip in detector.score(list(anomalies)):
                    found.setdefault(of_fault[clip.path], []).append(clip.score)
                for fault, scores in found.items():
                    kind = (detector.machine.type, fault, severity)
                    aucs.setdefault(kind, []).append(auc(np.array(normal), np.array(scores)))
    for (machine_type, fault, severity), values in sorted(aucs.items()):
        yield {
            "what": what,
            "seed": seed,
            "machine": machine_type,
            "fault": fault,
            "severity": severity,
            "s": round(float(np.mean(values)), 4),
            "cpu_s": round(cpu_s, 1),
        }


def wander_rows(copies: str, seed: int) -> Iterator[Row]:
    """Train on a synthetic fan alone whose speed wanders from clip to clip, and test it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_factory(
            root,
            seed=31 + seed,
            types=("synth_fan",),
            ids_per_type=FANS,
            train_clips=60,
            test_normal=60,
            test_anomaly=60,
            severity=(1.0, 1.0),
        )
        rng = np.random.default_rng(seed)
        for path in sorted(root.rglob("*.wav")):
            samples, rate_hz = sf.read(path, dtype="float32")
            speed = 1 + WANDER * float(rng.standard_normal())
            sf.write(path, detuned(samples, speed, sample_rate_hz=rate_hz), rate_hz)
        clips = load_manifest(root)
        deviations = learning_detuned.DEVIATIONS if copies == "rule" else 0.0
        for machine in clips.machines():
            with patch.object(learning_detuned, "DEVIATIONS", deviations):
                detector = rattle.fit(only(clips, [machine]), machine, seed=seed)
            normals = clips.of(machine, split="test", label="normal").table["path"]
            alarms = [clip.anomalous for clip in detector.score(list(normals))]
            yield {
                "what": f"wander {copies}",
                "seed": seed,
                "machine": str(machine),
                **tested(detector, clips),
                "alarms": round(float(np.mean(alarms)), 4),
            }


def run(data: str, results: Path, whats: Sequence[str], seeds: Sequence[int]) -> None:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    clips = load_manifest(Path(data))
    note(results, whats, seeds, lambda what, seed: rows_of(what, seed, clips))


def rows_of(what: str, seed: int, clips: Manifest) -> Iterator[Row]:
    kind, _, which = what.partition(" ")
    match kind:
        case "factory":
            return factory_rows(Recipe.load(which), what, seed)
        case "wander":
            return wander_rows(which, seed)
        case "choice":
            return choice_rows(which, seed, clips)
    return real_rows(what, seed, clips)


def real_table(rows: list[Row]) -> str:
    """Markdown: AUC and pAUC of each machine, mean over seeds (smallest to largest)."""
    lines = [
        "| what | seeds | " + " | ".join(map(str, MACHINES)) + " | mean AUC | mean pAUC |",
        "|---|---|" + "---|" * (len(MACHINES) + 2),
    ]
    for what in WHATS[:5]:
        of = [row for row in rows if row["what"] == what]
        if not of:
            continue
        cells = [
            spread([row["s"] for row in of if row["machine"] == str(machine)])
            for machine in MACHINES
        ]
        mean_auc, mean_pauc = (mean_of_machines(of, name) for name in ("s", "pauc"))
        seeds = len({row["seed"] for row in of})
        lines.append(
            f"| {what} | {seeds} | " + " | ".join(cells) + f" | **{mean_auc}** | {mean_pauc} |"
        )
    return "\n".join(lines)


def parts_table(rows: list[Row]) -> str:
    """Markdown: what each part of equation 5 gives, mean over machines and seeds."""
    lines = ["| what | p | d | s | CPU seconds of a training |", "|---|---|---|---|---|"]
    for what in WHATS[:5]:
        of = [row for row in rows if row["what"] == what]
        if of:
            cells = [f"{np.mean([row[name] for row in of]):.3f}" for name in ("p", "d", "s")]
            cells.append(f"{np.mean([row['cpu_s'] for row in of]):.0f}")
            lines.append(f"| {what} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def factory_table(rows: list[Row]) -> str:
    """Markdown: AUC of each type, fault and severity, mean over machines and seeds."""
    heads = [f"{severity:g}, {recipe}" for severity in SEVERITIES for recipe in ("small", "fleet")]
    lines = ["| type | fault | " + " | ".join(heads) + " |", "|---|---|" + "---|" * len(heads)]
    values: dict[tuple[str, str], dict[tuple[float, str], list[float]]] = {}
    by_recipe = {
        recipe: {row["seed"] for row in rows if row["what"] == f"factory {recipe}"}
        for recipe in ("small", "fleet")
    }
    for row in rows:
        kind, _, recipe = row["what"].partition(" ")
        # Another seed is another factory: only those are compared that both recipes had.
        if kind == "factory" and row["seed"] in set.intersection(*by_recipe.values()):
            cell = values.setdefault((row["machine"], row["fault"]), {})
            cell.setdefault((row["severity"], recipe), []).append(row["s"])
    keys = [(severity, recipe) for severity in SEVERITIES for recipe in ("small", "fleet")]
    for (machine, fault), cell in sorted(values.items()):
        cells = [f"{np.mean(cell[key]):.3f}" if key in cell else "" for key in keys]
        lines.append(f"| {machine.removeprefix('synth_')} | {fault} | " + " | ".join(cells) + " |")
    means = [
        f"**{np.mean([np.mean(cell[key]) for cell in values.values() if key in cell]):.3f}**"
        for key in keys
        if any(key in cell for cell in values.values())
    ]
    return "\n".join([*lines, "| mean | | " + " | ".join(means) + " |"])


def wander_table(rows: list[Row]) -> str:
    """Markdown: AUC and false alarms of the wandering fans, mean over machines and seeds."""
    lines = ["| copies | AUC | pAUC | false alarms |", "|---|---|---|---|"]
    for which, name in (("rule", "as the rule says"), ("near", "from 1.5 % on")):
        of = [row for row in rows if row["what"] == f"wander {which}"]
        if of:
            auc_, pauc_, alarms = (
                float(np.mean([row[name] for row in of])) for name in ("s", "pauc", "alarms")
            )
            lines.append(f"| {name} | {auc_:.3f} | {pauc_:.3f} | {alarms:.1%} |")
    return "\n".join(lines)


def choices_table(rows: list[Row]) -> str:
    """Markdown: what one choice made otherwise gives, of the seeds that all noted ones have."""
    noted_ones = {row["what"] for row in rows}
    chosen = [what for what in WHATS if what.startswith("choice ") and what in noted_ones]
    seeds = [
        {row["seed"] for row in rows if row["what"] == what}
        for what in ("fleet", "factory fleet", *chosen)
    ]
    common = set.intersection(*seeds)
    lines = [
        "| what | real: mean AUC | mean pAUC | synthetic: mean AUC at 0.6 | at 1 |",
        "|---|---|---|---|---|",
    ]
    for what in ["fleet", *chosen] if common else []:
        of = [row for row in rows if row["seed"] in common]
        real = [row for row in of if row["what"] == what and "fault" not in row]
        made = what if what in chosen else "factory fleet"
        synthetic = [row for row in of if row["what"] == made and "fault" in row]
        cells = [mean_of_machines(real, name) for name in ("s", "pauc")]
        for severity in SEVERITIES:
            values = [row["s"] for row in synthetic if row["severity"] == severity]
            cells.append(f"{np.mean(values):.3f}")
        name = "as it is" if what == "fleet" else what.removeprefix("choice ")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", f"Seeds {', '.join(map(str, sorted(common)))}."])


def spread(values: list[float]) -> str:
    if not values:
        return ""
    between_them = f" ({min(values):.3f} to {max(values):.3f})" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{between_them}"


def mean_of_machines(rows: list[Row], name: str) -> str:
    machines = {row["machine"] for row in rows}
    return (
        f"{np.mean([np.mean([r[name] for r in rows if r['machine'] == m]) for m in machines]):.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["run", "table"])
    parser.add_argument("data", nargs="?")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--into", type=Path, help="page to write the tables into")
    parser.add_argument("--what", nargs="+", choices=WHATS, default=list(WHATS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    chosen = parser.parse_args()
    if chosen.verb == "run":
        run(chosen.data, chosen.results, chosen.what, chosen.seeds)
        return
    rows = noted(chosen.results, chosen.seeds)
    tables = {
        "real": real_table(rows),
        "parts": parts_table(rows),
        "factory": factory_table(rows),
        "wander": wander_table(rows),
        "choices": choices_table(rows),
    }
    print("\n\n".join(tables.values()))
    if chosen.into:
        page = chosen.into.read_text(encoding="utf-8")
        for name, table in tables.items():
            page = between(page, name, table)
        chosen.into.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
