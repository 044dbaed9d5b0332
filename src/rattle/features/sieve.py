"""Leave out the clips that nothing can be learnt from: unfit ones, copies, and too short ones.

Three recordings of a dead microphone among forty healthy ones are enough for a detector that takes
most of a machine's faults for normal. So they are left out before anything else is done: before the
machine's clips are split, and before its outliers are chosen. So are copies of a recording, in
whatever file format: on both sides of a split they would make the threshold too low.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import polars as pl

from rattle.clips.amplitude import Moments
from rattle.clips.length import at_least, shortest_judged_s
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.clips.unfit import Unfit
from rattle.errors import DataError
from rattle.features.facts import Facts
from rattle.features.store import FeatureStore


@dataclass
class Sieve:
    """Lets the clips pass that are fit to learn from, and remembers the others."""

    store: FeatureStore
    _faults: dict[str, str] = field(default_factory=dict)

    def fit(self, clips: Manifest) -> Manifest:
        """Select the clips that are fit. A content is judged once, and the store keeps it."""
        for machine in clips.machines():
            for name, of in self._facts_of(clips.of(machine)):
                self._faults[name] = of.fault
            for name, fault in self._short(clips.of(machine)):
                self._faults[name] = self._faults[name] or fault
        return self._without_unfit(clips)

    def fit_to_train(self, clips: Manifest, machine: Machine | None = None) -> Manifest:
        """Leave out the normal training clips that are unfit or copies; all others pass.

        Of one ``machine``, or of all.
        """
        normals = clips.of(machine, split="train", label="normal")
        self.fit(normals)
        for each in normals.machines():
            first: dict[tuple[Moments, tuple[float, ...]], str] = {}
            for name, of in self._facts_of(normals.of(each)):
                # Other sound has other moments and other levels by band, in some last bit.
                original = first.setdefault((of.moments, of.traits.bands_dbfs), name)
                if original != name:
                    self._faults[name] = self._faults[name] or f"a copy of {Path(original).name}"
        return self._without_unfit(clips)

    def _short(self, clips: Manifest) -> Iterator[tuple[str, str]]:
        """Say which of a machine's clips are too short beside the others, or beside a window."""
        seconds = [clip.seconds for clip in clips]
        shortest_s = shortest_judged_s(self.store.audio, self.store.features, median(seconds))
        for clip in clips:
            if clip.seconds < shortest_s:
                fault = f"{clip.seconds:.2f} s is too short: {at_least(shortest_s)} are needed"
                yield clip.name, fault

    def _facts_of(self, clips: Manifest) -> Iterator[tuple[str, Facts]]:
        return zip((clip.name for clip in clips), self.store.facts(clips), strict=True)

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
        unfit = {name for name, fault in self._faults.items() if fault}
        if not unfit:
            return clips
        is_fit = pl.Series([clip.name not in unfit for clip in clips], dtype=pl.Boolean)
        return Manifest(clips.table.filter(is_fit))
