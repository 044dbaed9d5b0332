"""Read what runs left, and note what is wrong with which file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rattle.bundle import read_bundle
from rattle.bundle.file import SUFFIX
from rattle.clips.machine import Machine
from rattle.errors import DataError, RattleError
from rattle.recipe import Recipe
from rattle.runs.files import (
    read_embeddings_of,
    read_environment,
    read_learning_curve,
    read_outcome,
)
from rattle.runs.find import FoundRun
from rattle.runs.folder import ENVIRONMENT, FLEET, OUTCOME, RECIPE
from rattle.runs.outcome import Outcome
from rattle.runs.run import Run

T = TypeVar("T")

# 10,000 clips of 10 windows are 6 MB of outcome; a million iterations 90 MB of metrics.
LARGEST_FILE = 2**29


@dataclass
class Reading:
    """Read runs; a damaged file is noted, and what it would say is left out."""

    notes: list[str] = field(default_factory=list)

    def attempt(self, read: Callable[[Path], T], file: Path) -> T | None:
        """Read the file with ``read``; None where there is no file or it is damaged."""
        if not file.exists():
            return None
        try:
            if not file.is_file():
                raise DataError(f"{file} is not a file")
            # A bundle's reader has bounds of its own.
            if file.suffix != SUFFIX and file.stat().st_size > LARGEST_FILE:
                raise DataError(f"{file} is larger than any run's")
            return read(file)
        except RattleError as error:
            self.notes.append(" ".join(str(error).split()))
        except OSError as error:
            self.notes.append(f"{file} cannot be read: {error.strerror}")
        return None

    def run(self, found: FoundRun) -> Run | None:
        """Read the run that was found; None, with a note, where nothing says what it is of."""
        folder = found.folder
        if folder.path.name == FLEET:
            self.notes.append(
                f"{folder.path} is a training of many machines that has not come to its end; go on "
                "with it, and each has a run of its own"
            )
            return None
        noted = len(self.notes)
        recipe = self.attempt(Recipe.load, folder.recipe)
        environment = self.attempt(read_environment, folder.environment)
        learning_curve = self.attempt(read_learning_curve, folder.metrics)
        outcome = self.attempt(read_outcome, folder.outcome)
        run: Run | None = None
        if outcome is not None:
            run = _of_outcome(found, outcome)
        elif folder.bundle.exists():
            run = self.attempt(lambda _: _of_bundle(found), folder.bundle)
            if run is not None:
                way = environment.way if environment else None
                earlier = self.attempt(read_outcome, run.scored.outcome)
                # One that was left before outcomes said the way does not know it.
                earlier = earlier and earlier.model_copy(update={"way": way})
                run = replace(run, way=way, outcome=earlier)
        if run is None and recipe is not None and environment is not None:
            run = Run(
                name=found.name,
                folder=folder,
                method=recipe.method,
                machine=Machine.parse(environment.machine),
                seed=environment.seed,
                anomalies=0,
                recipe=recipe.name,
                finished=folder.bundle.exists(),
                scored=folder,
            )
        if run is None:
            if len(self.notes) == noted:
                self.notes.append(
                    f"{folder.path} does not say what it is a run of; expected {OUTCOME}, a bundle "
                    f"beside it, or {RECIPE} and {ENVIRONMENT}"
                )
            return None
        return replace(run, learning_curve=learning_curve)

    def embeddings(self, run: Run) -> NDArray[np.float32] | None:
        """Read a run's embeddings ``[clips, D]`` in its outcome's order; None where it has none."""
        outcome = run.outcome
        if outcome is None:
            return None
        return self.attempt(lambda f: read_embeddings_of(f, outcome), run.scored.embeddings)


def _of_outcome(found: FoundRun, outcome: Outcome) -> Run:
    return Run(
        name=found.name,
        folder=found.folder,
        method=outcome.method,
        machine=outcome.of,
        seed=outcome.seed,
        anomalies=outcome.anomalies,
        recipe=outcome.recipe,
        finished=True,
        scored=found.folder,
        way=outcome.way,
        outcome=outcome,
    )


def _of_bundle(found: FoundRun) -> Run:
    bundle = read_bundle(found.folder.bundle)
    info = bundle.info
    return Run(
        name=found.name,
        folder=found.folder,
        method=info.recipe.method,
        machine=Machine.parse(info.machine),
        seed=info.provenance.seed,
        anomalies=len(info.provenance.anomalies),
        recipe=info.recipe.name,
        finished=True,
        scored=found.folder.scored(bundle.identity),
    )
