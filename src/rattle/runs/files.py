"""Read each file of a run folder; a damaged one raises ``DataError`` that names it.

The files may come from anywhere: none is trusted to be whole, or to hold numbers that make sense.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rattle.clips.machine import Machine
from rattle.errors import DataError
from rattle.runs.outcome import Outcome, Way, read_embeddings
from rattle.runs.run import LearningCurve

# Scores and losses are of order 1; what is beyond this is damage and cannot be drawn.
LARGEST = 1e12
# More than a line of metrics takes.
LINE_BYTES = 400


class Environment(BaseModel):
    """The part that is needed of a run's environment file."""

    machine: Annotated[str, Field(pattern=r"^[^/]+(/[^/]+)?$")]
    seed: int
    torch: str | None = None

    @property
    def way(self) -> Way:
        """What learnt, if the run is an adaptation: a head learns without torch."""
        return "head" if self.torch is None else "encoder"


class Line(BaseModel):
    """The part that is needed of a line of a run's metrics file."""

    model_config = ConfigDict(allow_inf_nan=False)

    iteration: Annotated[int, Field(ge=1, le=10**9)]
    loss: Annotated[float, Field(ge=-LARGEST, le=LARGEST)]


def read_environment(file: Path) -> Environment:
    """Read which machine a run is of, and its seed."""
    try:
        return Environment.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise DataError(f"{file} does not describe a run: {_first(error)}") from None


def read_learning_curve(file: Path) -> LearningCurve | None:
    """Read a run's learning curve; None of an empty file.

    The last line may have been cut by a kill and does not count.
    """
    lines = file.read_bytes().split(b"\n")
    steps: list[Line] = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            steps.append(Line.model_validate_json(line))
        except ValidationError as error:
            raise DataError(
                f"{file}, line {number}: {_first(error)}; its losses are left out"
            ) from None
    if not steps:
        return None
    iterations = np.array([step.iteration for step in steps])
    if (np.diff(iterations) <= 0).any():
        raise DataError(f"{file}: its iterations do not ascend; its losses are left out")
    return LearningCurve(iterations, np.array([step.loss for step in steps]))


def last_iteration(metrics: Path) -> int | None:
    """Read the iteration that a run has reached, wherever it runs; None where nothing tells."""
    try:
        with metrics.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(file.tell() - LINE_BYTES, 0))
            last = file.read().splitlines()[-1]
        return Line.model_validate_json(last).iteration
    except (OSError, IndexError, ValidationError):
        return None


def read_outcome(file: Path) -> Outcome:
    """Read an outcome that can be scored and drawn; raises ``DataError`` for any other."""
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


def read_embeddings_of(file: Path, outcome: Outcome) -> NDArray[np.float32] | None:
    """Read each clip's embedding in the outcome's order, ``[clips, D]``; None of no file."""
    read = read_embeddings(file)
    clips = len(outcome.clips)
    if read is None or (read.ndim == 2 and len(read) == clips and np.isfinite(read).all()):
        return read
    raise DataError(
        f"{file}: shape {read.shape}, expected finite numbers for {clips} clips; remove it"
    )


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(step) for step in first["loc"])
    return f"{key}: {first['msg']}" if key else str(first["msg"])
