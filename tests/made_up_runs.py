"""Runs made up for the page: files as a task leaves them, with no model behind them.

Also a pytest plugin, for the fixtures ``leave`` and ``read`` that several rooms' tests share.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from made_up_outcomes import make_outcome
from rattle.runs.folder import RunFolder
from rattle.runs.outcome import Outcome, write_embeddings

if TYPE_CHECKING:
    from rattle import Recipe
    from rattle.runs.run import Run


def random_outcome(
    seed: int = 0, clips: int = 12, shift: float = 1.5, **changes: object
) -> Outcome:
    """An outcome with other scores for each seed; anomalies score higher by ``shift``."""
    draw = np.random.default_rng(seed)
    return make_outcome(
        **{"seed": seed} | changes,
        normal=draw.normal(0.0, 1.0, clips).tolist(),
        anomaly=draw.normal(shift, 1.0, clips).tolist(),
    )


def leave_run(
    below: Path,
    outcome: Outcome,
    recipe: Recipe,
    *,
    losses: Sequence[float] = (),
    dimensions: int = 0,
) -> Path:
    """Write a run folder below a folder: RECIPE-METHOD-SEED[-ANOMALIES[-head]]/MACHINE."""
    adapted = f"-{outcome.anomalies}" if outcome.anomalies else ""
    adapted += "-head" if outcome.way == "head" else ""
    place = f"{outcome.recipe}-{outcome.method}-{outcome.seed}{adapted}"
    folder = RunFolder.of(below / place, outcome.of)
    folder.path.mkdir(parents=True)
    outcome.write(folder.outcome)
    renamed = recipe.for_method(outcome.method).model_copy(update={"name": outcome.recipe})
    folder.recipe.write_text(renamed.to_toml())
    environment = {"machine": outcome.machine, "seed": outcome.seed, "threads": 1}
    folder.environment.write_text(json.dumps(environment))
    if losses:
        steps = [{"iteration": n, "loss": loss} for n, loss in enumerate(losses, start=1)]
        text = "".join(f"{json.dumps(step)}\n" for step in steps)
        folder.metrics.write_text(text)
    if dimensions:
        draw = np.random.default_rng(outcome.seed)
        shape = (len(outcome.clips), dimensions)
        write_embeddings(folder.embeddings, draw.normal(size=shape).astype(np.float32))
    return folder.path


@pytest.fixture(scope="session")
def leave(tiny_recipe: Recipe) -> Callable[..., Path]:
    """``leave(below, outcome)`` writes a run folder and gives it; see ``leave_run``."""
    return partial(leave_run, recipe=tiny_recipe)


@pytest.fixture(scope="session")
def read() -> Callable[[Path], tuple[list[Run], list[str]]]:
    """The runs below a folder, and what is noted of their files."""
    from rattle.runs.find import find_runs
    from rattle.runs.read import Reading

    def runs_below(folder: Path) -> tuple[list[Run], list[str]]:
        reading = Reading()
        return [run for run in map(reading.run, find_runs([folder])) if run], reading.notes

    return runs_below
