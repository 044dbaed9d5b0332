"""Reads what a run left. Its files may come from anywhere: none is trusted to be whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rattle.bundle import read_bundle
from rattle.clips.machine import Machine
from rattle.errors import DataError, RattleError
from rattle.experiments.outcome import EMBEDDINGS, FILE, Outcome, read_embeddings
from rattle.experiments.page.find import Place
from rattle.experiments.page.run import Losses, Run
from rattle.recipe import Recipe

T = TypeVar("T")

# Scores are of order 1; beyond this a file's numbers are damage and cannot be drawn.
LARGEST = 1e12
# 10,000 clips of 10 windows are 6 MB of outcome; a million iterations 90 MB of metrics.
LARGEST_FILE = 2**29


@dataclass
class Reading:
    """Reads files and notes what is wrong with which."""

    notes: list[str] = field(default_factory=list)

    def attempt(self, read: Callable[[Path], T], file: Path) -> T | None:
        """What ``read`` makes of the file; None where there is none or it is damaged."""
        if not file.exists():
            return None
        try:
            if file.stat().st_size > LARGEST_FILE:
                raise DataError(f"{file} is larger than any run's")
            return read(file)
        except RattleError as error:
            self.notes.append(" ".join(str(error).split()))
        except OSError as error:
            self.notes.append(f"{file} cannot be read: {error.strerror}")
        return None

    def run(self, place: Place) -> Run | None:
        """The run in ``place``; None, with a note, where nothing says what it is of."""
        folder = place.folder
        noted = len(self.notes)
        recipe = self.attempt(Recipe.load, folder / "recipe.toml")
        environment = self.attempt(_environment, folder / "environment.json")
        losses = self.attempt(_losses, folder / "metrics.jsonl")
        outcome = self.attempt(read_outcome, folder / FILE)
        found: Run | None = None
        if outcome is not None:
            found = _of_outcome(place, outcome, folder)
        elif place.bundle.exists():
            found = self.attempt(lambda _: _of_bundle(place), place.bundle)
            if found is not None:
                earlier = self.attempt(read_outcome, found.scored / FILE)
                found = replace(found, outcome=earlier)
        if found is None and recipe is not None and environment is not None:
            found = Run(
                place=place,
                method=recipe.method,
                machine=Machine.parse(environment.machine),
                seed=environment.seed,
                anomalies=0,
                recipe=recipe.name,
                finished=place.bundle.exists(),
                scored=folder,
            )
        if found is None:
            if len(self.notes) == noted:
                self.notes.append(
                    f"{folder} does not say what it is a run of; expected outcome.json, a bundle "
                    "beside it, or recipe.toml and environment.json"
                )
            return None
        return replace(found, losses=losses)

    def embeddings(self, run: Run) -> NDArray[np.float32] | None:
        """``[clips, D]`` in the order of the run's outcome; None where there are none."""
        return self.attempt(lambda file: _embeddings(file, run), run.scored / EMBEDDINGS)


def read_outcome(file: Path) -> Outcome:
    """An outcome that can be scored and drawn; ``DataError`` for any other."""
    outcome = Outcome.read(file)
    problem = _problem(outcome)
    if problem:
        raise DataError(f"{file} is not the outcome of a task ({problem}); remove it")
    return outcome


def _problem(outcome: Outcome) -> str:
    try:
        Machine.parse(outcome.machine)
    except DataError as error:
        return str(error)
    for clip in outcome.clips:
        parts = [part for part in (clip.logits, clip.distances) if part is not None]
        if not parts or not clip.start_s or any(len(p) != len(clip.start_s) for p in parts):
            return f"clip {clip.path} lacks windows"
    numbers = [outcome.threshold]
    with np.errstate(all="ignore"):
        for scale in ("fixed", "paper"):
            for scores in outcome.scores(scale=scale):
                numbers += scores.tolist()
    if not all(abs(number) < LARGEST for number in numbers):
        return "a score is not a finite number"
    return ""


def _embeddings(file: Path, run: Run) -> NDArray[np.float32] | None:
    found = read_embeddings(file.parent)
    clips = 0 if run.outcome is None else len(run.outcome.clips)
    if found is None or (found.ndim == 2 and len(found) == clips and np.isfinite(found).all()):
        return found
    raise DataError(
        f"{file}: shape {found.shape}, expected finite numbers for {clips} clips; remove it"
    )


def _of_outcome(place: Place, outcome: Outcome, scored: Path) -> Run:
    return Run(
        place=place,
        method=outcome.method,
        machine=outcome.of,
        seed=outcome.seed,
        anomalies=outcome.anomalies,
        recipe=outcome.recipe,
        finished=True,
        scored=scored,
        outcome=outcome,
    )


def _of_bundle(place: Place) -> Run:
    bundle = read_bundle(place.bundle)
    info = bundle.info
    return Run(
        place=place,
        method=info.recipe.method,
        machine=Machine.parse(info.machine),
        seed=info.provenance.seed,
        anomalies=len(info.provenance.anomalies),
        recipe=info.recipe.name,
        finished=True,
        # The folder is the bundle's own: what another model scored in its place is not taken for
        # this one's. And rattle reproduce never takes it for the outcome of a task.
        scored=place.folder / f"scored-{bundle.identity[:16]}",
    )


class _Environment(BaseModel):
    """What of ``environment.json`` is needed."""

    machine: Annotated[str, Field(pattern=r"^[^/]+(/[^/]+)?$")]
    seed: int


class _Line(BaseModel):
    """What of a line of ``metrics.jsonl`` is needed."""

    model_config = ConfigDict(allow_inf_nan=False)

    iteration: Annotated[int, Field(ge=1, le=10**9)]
    loss: Annotated[float, Field(ge=-LARGEST, le=LARGEST)]


def _environment(file: Path) -> _Environment:
    try:
        return _Environment.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise DataError(f"{file} does not describe a run: {_first(error)}") from None


def _losses(file: Path) -> Losses | None:
    """The lines in order; the last may have been cut by a kill. None of an empty file."""
    lines = file.read_bytes().split(b"\n")
    steps: list[_Line] = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            steps.append(_Line.model_validate_json(line))
        except ValidationError as error:
            raise DataError(
                f"{file}, line {number}: {_first(error)}; its losses are left out"
            ) from None
    if not steps:
        return None
    iterations = np.array([step.iteration for step in steps])
    if (np.diff(iterations) <= 0).any():
        raise DataError(f"{file}: its iterations do not ascend; its losses are left out")
    return Losses(iterations, np.array([step.loss for step in steps]))


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(step) for step in found["loc"])
    return f"{key}: {found['msg']}" if key else str(found["msg"])
