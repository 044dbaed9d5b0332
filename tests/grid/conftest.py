"""What an undisturbed run of a small grid leaves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from small_grid import ALL, Left, left_by
from threadpoolctl import threadpool_limits

from rattle import Manifest, Recipe
from rattle.experiments.folder import open_folder
from rattle.experiments.task import Setting, run_task


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
