"""Reads what runs left, and notes what is wrong with which file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rattle.bundle import read_bundle
from rattle.clips.machine import Machine
from rattle.errors import DataError, RattleError
from rattle.recipe import Recipe
from rattle.runs.files import (
    read_embeddings_of,
    read_environment,
    read_losses,
    read_outcome,
)
from rattle.runs.find import BUNDLE, Place
from rattle.runs.outcome import EMBEDDINGS, FILE, Outcome
from rattle.runs.run import Run

T = TypeVar("T")

# 10,000 clips of 10 windows are 6 MB of outcome; a million iterations 90 MB of metrics.
LARGEST_FILE = 2**29


@dataclass
class Reading:
    """Reads runs; a damaged file is noted, and what it would say is left out."""

    notes: list[str] = field(default_factory=list)

    def attempt(self, read: Callable[[Path], T], file: Path) -> T | None:
        """What ``read`` makes of the file; None where there is none or it is damaged."""
        if not file.exists():
            return None
        try:
            if not file.is_file():
                raise DataError(f"{file} is not a file")
            # A bundle's reader has bounds of its own.
            if file.suffix != BUNDLE and file.stat().st_size > LARGEST_FILE:
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
        environment = self.attempt(read_environment, folder / "environment.json")
        losses = self.attempt(read_losses, folder / "metrics.jsonl")
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
        outcome = run.outcome
        if outcome is None:
            return None
        return self.attempt(lambda f: read_embeddings_of(f, outcome), run.scored / EMBEDDINGS)


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
