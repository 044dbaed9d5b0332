"""Fit: train detectors, an encoder for each machine or one for all, as the recipe says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rattle.clips.cut_manifest import cut_to_train
from rattle.clips.layouts import load_manifest, load_outliers
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.detector.detector import Detector
from rattle.detector.finish import make
from rattle.detector.fleet import FleetJob
from rattle.detector.own import OwnJob
from rattle.errors import DataError
from rattle.features.sieve import Sieve
from rattle.features.store import FeatureStore
from rattle.learning.data import able
from rattle.recipe import Recipe


def fit(
    data: str | Path | Manifest,
    machine: str | Machine,
    *,
    recipe: str | Path | Recipe = "fleet",
    seed: int = 0,
    outliers: str | Path | Manifest | None = None,
    device: str = "auto",
) -> Detector:
    """Train a detector for one machine.

    ``data`` is a folder or CSV of recordings, or a manifest: it holds the machine's normal clips
    and, as a rule, other machines', which serve as outliers; ``outliers`` names others. Raises
    ``DataError`` where there are too few normal clips and ``ClipError`` where one of them cannot
    be read.
    """
    chosen = machine if isinstance(machine, Machine) else Machine.parse(machine)
    (detector,) = _fitted(data, [chosen], recipe, seed, outliers, device)
    return detector


def fit_fleet(
    data: str | Path | Manifest,
    *,
    recipe: str | Path | Recipe = "fleet",
    seed: int = 0,
    outliers: str | Path | Manifest | None = None,
    device: str = "auto",
) -> dict[Machine, Detector]:
    """Train a detector for every machine of ``data`` that has normal clips enough.

    All at once where the recipe shares one encoder; else as ``fit``. Raises ``DataError`` where no
    machine has enough.
    """
    clips = data if isinstance(data, Manifest) else load_manifest(Path(data))
    chosen = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
    sieve = Sieve(FeatureStore.of(chosen))
    cut = cut_to_train(clips, chosen)
    if chosen.is_shared:
        machines = able(sieve.fit_to_train(cut, asked=cut.machines()), chosen)
    else:
        machines = [m for m in cut.machines() if able(sieve.fit_to_train(cut.of(m)), chosen)]
    if not machines:
        with sieve.explaining():
            raise DataError("no machine has normal training clips enough to train a detector of")
    detectors = _fitted(clips, machines, chosen, seed, outliers, device)
    return {detector.machine: detector for detector in detectors}


def training_jobs(
    clips: Manifest,
    machines: Sequence[Machine],
    recipe: Recipe,
    *,
    seed: int = 0,
    outliers: Manifest | None = None,
    validation: Manifest | None = None,
    init: Path | None = None,
    device: str = "auto",
) -> list[OwnJob] | list[FleetJob]:
    """Give the trainings that make these machines' detectors: one in all, or one each.

    A baseline has no encoder to share.
    """
    if recipe.is_shared:
        return [FleetJob(clips, tuple(machines), recipe, seed, outliers, validation, init, device)]
    return [
        OwnJob(clips, machine, recipe, seed, outliers, validation, init, device)
        for machine in machines
    ]


def _fitted(
    data: str | Path | Manifest,
    machines: Sequence[Machine],
    recipe: str | Path | Recipe,
    seed: int,
    outliers: str | Path | Manifest | None,
    device: str,
) -> list[Detector]:
    if not (outliers is None or isinstance(outliers, Manifest)):
        outliers = load_outliers(Path(outliers))
    jobs = training_jobs(
        data if isinstance(data, Manifest) else load_manifest(Path(data)),
        machines,
        recipe if isinstance(recipe, Recipe) else Recipe.load(recipe),
        seed=seed,
        outliers=outliers,
        device=device,
    )
    return [detector for job in jobs for detector in make(job)]
