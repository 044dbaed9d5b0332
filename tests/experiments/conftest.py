"""Outcomes made by hand, and what an undisturbed run of a small grid leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from small_grid import ALL, Left, left_by
from threadpoolctl import threadpool_limits

from rattle import Manifest, Recipe
from rattle.experiments.folder import open_folder
from rattle.experiments.outcome import Outcome, OutcomeClip
from rattle.experiments.task import Setting, run_task


@pytest.fixture(scope="session")
def make_outcome() -> Any:
    """Makes an outcome from each clip's distance, or its logit and distance, in one window.

    Anomalies are called ``anomaly-0``, ``anomaly-1`` and so on; the scale leaves distances as
    they are.
    """

    def clips(label: Any, parts: Any) -> list[OutcomeClip]:
        pairs = [(None, part) if np.ndim(part) == 0 else part for part in parts]
        return [
            OutcomeClip(
                path=f"{label}-{index}.wav",
                content_hash=f"{label}-{index}",
                label=label,
                start_s=(0.0,),
                logits=None if logit is None else (float(logit),),
                distances=(float(distance),),
            )
            for index, (logit, distance) in enumerate(pairs)
        ]

    def make(machine: str = "fan/id_00", *, normal: Any, anomaly: Any, **changes: Any) -> Outcome:
        values: dict[str, Any] = {
            "method": "ddcsad",
            "machine": machine,
            "seed": 0,
            "anomalies": 0,
            "recipe": "tiny",
            "network": "small",
            "alpha": 0.5,
            "low": 0.0,
            "high": 1.0,
            "aggregate": "mean",
            "threshold": 0.5,
            "drawn": (),
            "clips": (*clips("normal", normal), *clips("anomaly", anomaly)),
            "seconds": 1.0,
        }
        return Outcome(**values | changes)

    return make


@pytest.fixture(scope="session")
def lasting_recipe(tiny_recipe: Recipe) -> Recipe:
    """The tiny recipe with trainings of a second and some checkpoints on the way."""
    training = tiny_recipe.training.model_copy(
        update={"iterations": 100, "checkpoint_seconds": 0.05}
    )
    adaptation = tiny_recipe.adaptation.model_copy(
        update={"iterations": 5, "anomalies_per_batch": 2}
    )
    return tiny_recipe.model_copy(update={"training": training, "adaptation": adaptation})


@pytest.fixture(scope="session")
def new_setting(
    clips: Manifest, lasting_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Setting]:
    """Makes the folder of a new experiment."""

    def make() -> Setting:
        folder = tmp_path_factory.mktemp("experiment")
        open_folder(folder, clips, lasting_recipe)
        return Setting(folder, device="cpu")

    return make


@pytest.fixture(scope="session")
def undisturbed(new_setting: Callable[[], Setting]) -> Left:
    """What the grid's tasks leave when they run in this process, with one thread."""
    setting, threads = new_setting(), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            for task in ALL:
                run_task(task, setting, lambda: False)
    finally:
        torch.set_num_threads(threads)
    return left_by(setting)
