"""Runs made up for the page: files as a task leaves them, with no model behind them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from made_up_outcomes import make_outcome
from rattle import Recipe
from rattle.runs.outcome import Outcome, write_embeddings


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
    """Write a run folder below a folder: RECIPE-METHOD-SEED[-ANOMALIES]/MACHINE."""
    adapted = f"-{outcome.anomalies}" if outcome.anomalies else ""
    place = f"{outcome.recipe}-{outcome.method}-{outcome.seed}{adapted}"
    folder = below / place / outcome.of.slug
    folder.mkdir(parents=True)
    outcome.write(folder)
    renamed = recipe.for_method(outcome.method).model_copy(update={"name": outcome.recipe})
    (folder / "recipe.toml").write_text(renamed.to_toml())
    environment = {"machine": outcome.machine, "seed": outcome.seed, "threads": 1}
    (folder / "environment.json").write_text(json.dumps(environment))
    if losses:
        steps = [{"iteration": n, "loss": loss} for n, loss in enumerate(losses, start=1)]
        text = "".join(f"{json.dumps(step)}\n" for step in steps)
        (folder / "metrics.jsonl").write_text(text)
    if dimensions:
        draw = np.random.default_rng(outcome.seed)
        shape = (len(outcome.clips), dimensions)
        write_embeddings(folder, draw.normal(size=shape).astype(np.float32))
    return folder
