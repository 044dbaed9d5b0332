"""Leave out the clips that nothing can be learnt from: silent, frozen, clipped or damaged ones.

Three recordings of a dead microphone among forty healthy ones are enough for a detector that takes
most of a machine's faults for normal. So they are left out before anything else is done: before the
machine's clips are split, and before its outliers are chosen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import polars as pl

from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.clips.unfit import Unfit
from rattle.errors import DataError
from rattle.features.store import FeatureStore


@dataclass
class Sieve:
    """Lets the clips pass that are fit to learn from, and remembers the others."""

    store: FeatureStore
    _faults: dict[str, str] = field(default_factory=dict)

    def fit(self, clips: Manifest) -> Manifest:
        """Select the clips that are fit. A content is judged once, and the store keeps it."""
        for machine in clips.machines():
            own = clips.of(machine)
            facts = self.store.facts(own)
            self._faults |= zip(own.table["path"], (of.fault for of in facts), strict=True)
        return self._without_unfit(clips)

    def fit_to_train(self, clips: Manifest, machine: Machine | None = None) -> Manifest:
        """Leave out the normal training clips that are unfit; all others pass as they are.

        Of one ``machine``, or of all.
        """
        self.fit(clips.of(machine, split="train", label="normal"))
        return self._without_unfit(clips)

    @property
    def unfit(self) -> Unfit:
        """The clips that did not pass so far, and how many were looked at."""
        return Unfit.of_each(self._faults.items())

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Add to an error about too few clips which ones were left out."""
        try:
            yield
        except DataError as error:
            if not self.unfit:
                raise
            raise DataError(f"{error}; {self.unfit}", argument=error.arguments) from None

    def _without_unfit(self, clips: Manifest) -> Manifest:
        unfit = [path for path, fault in self._faults.items() if fault]
        return Manifest(clips.table.filter(~pl.col("path").is_in(unfit))) if unfit else clips
