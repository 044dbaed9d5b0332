"""What speed costs in AUC: small recipe, four real machines, three seeds (some eight minutes).

Two detectors of each machine and seed are trained: by default, and with the centroids recomputed
over the entire training set. The first is scored in both views of a clip. AUC by the labelled test
clips on the fixed scale; nothing is chosen by it.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import torch

from ratio import Ratio
from rattle import Detector, Machine, Recipe
from rattle.clips.layouts import load_manifest
from rattle.detector.finish import make
from rattle.detector.own import OwnJob
from rattle.evaluation.metrics import auc
from rattle.learning.inference import TrainedNetwork
from rattle.scoring.clip import clip_value

MACHINES = ("fan/id_00", "fan/id_02", "slider/id_00", "slider/id_02")
SEEDS = (0, 1, 2)
DEFAULT, TEN_WINDOWS, EXACT_PASS = "default", "ten windows", "exact centroid pass"


def aucs(data: Path, run: tuple[str, int]) -> dict[str, float]:
    """AUC of one machine and seed by each way."""
    torch.set_num_threads(1)
    name, seed = run
    clips, machine, recipe = load_manifest(data), Machine.parse(name), Recipe.load("small")
    (sampled,) = make(OwnJob(clips, machine, recipe, seed))
    of_all = recipe.with_values(centroids={"clips_per_class": 0})
    (exact,) = make(OwnJob(clips, machine, of_all, seed))
    return {
        DEFAULT: area(sampled, data),
        TEN_WINDOWS: area(seen_in_windows(sampled), data),
        EXACT_PASS: area(exact, data),
    }


def seen_in_windows(detector: Detector) -> Detector:
    """The same network and scale; clips are seen in ten windows."""
    recipe = detector.recipe.with_values(scoring={"view": "windows"})
    assert isinstance(detector.model, TrainedNetwork)
    info = detector.info.model_copy(update={"recipe": recipe})
    return replace(detector, info=info, model=replace(detector.model, recipe=recipe))


def area(detector: Detector, data: Path) -> float:
    """AUC over the machine's test clips."""
    test = load_manifest(data).of(detector.machine, split="test")
    values: dict[str, list[float]] = {"normal": [], "anomaly": []}
    for clip in test:
        parts = detector.parts(detector.samples(clip.path))
        values[clip.label].append(clip_value(parts, detector.mix()))
    return auc(np.array(values["normal"]), np.array(values["anomaly"]))


def measure(data: Path) -> Iterator[Ratio]:
    runs = [(machine, seed) for seed in SEEDS for machine in MACHINES]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as pool:
        found = list(pool.map(partial(aucs, data), runs))
    mean = {way: fmean(one[way] for one in found) for way in found[0]}
    for way, other, name in (
        (DEFAULT, TEN_WINDOWS, "AUC, a clip seen whole less ten windows"),
        (DEFAULT, EXACT_PASS, "AUC, sampled less exact centroid pass"),
    ):
        differences = [one[way] - one[other] for one in found]
        error = stdev(differences) / len(differences) ** 0.5
        yield Ratio(
            name,
            mean[way] - mean[other],
            -0.005,
            f"small, 4 machines x 3 seeds: {mean[way]:.4f} less {mean[other]:.4f}, "
            f"standard error {error:.4f}; worst pair {min(differences):+.4f}",
        )
