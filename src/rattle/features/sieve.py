"""Leave out the clips that nothing can be learnt from: unfit ones, copies, and too short ones.

Three recordings of a dead microphone among forty healthy ones are enough for a detector that takes
most of a machine's faults for normal. So they are left out before anything else is done: before the
machine's clips are split, and before its outliers are chosen.

A sound counts once. Copies of a recording on both sides of a split would make the threshold too
low, and copies under another machine's name would teach a detector to tell the machine from itself.
Copies have the same content, whatever the file format (``clips.content``), or nearly the same sound
(``clips.fingerprint``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import polars as pl

from rattle.clips.clip import Clip
from rattle.clips.excerpt import recording_of
from rattle.clips.fingerprint import near_pairs
from rattle.clips.length import at_least, shortest_judged_s
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.clips.unfit import Unfit
from rattle.errors import DataError
from rattle.features.store import FeatureStore


@dataclass
class Sieve:
    """Lets the clips pass that are fit to learn from, and remembers the others.

    ``what`` it sieves, in a word, for what is said of it.
    """

    store: FeatureStore
    what: str = "clips"
    _faults: dict[str, str] = field(default_factory=dict)
    _instants: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def fit(self, clips: Manifest) -> Manifest:
        """Select the clips that are fit. A content is judged once, and the store keeps it."""
        for machine in clips.machines():
            of_machine = clips.of(machine)
            facts = self.store.facts(of_machine)
            for clip, of in zip(of_machine, facts, strict=True):
                self._faults[clip.name] = of.fault
                self._instants[clip.name] = of.instants
            for name, fault in self._short(of_machine):
                self._faults[name] = self._faults[name] or fault
        return self._without_unfit(clips)

    def fit_to_train(
        self, clips: Manifest, machine: Machine | None = None, *, asked: Collection[Machine] = ()
    ) -> Manifest:
        """Leave out the normal training clips that are unfit or copies; all others pass.

        Of one ``machine``, or of all. A sound that two machines have is left to the one that is
        ``asked`` for, then to the one of the shorter name, then to the first by name. What tests a
        machine that is asked for is no other's to be trained on, and a sound that is called an
        anomaly of the machine is no normal of it.
        """
        normals = clips.of(machine, split="train", label="normal")
        self.fit(normals)
        # A test clip is whole; another machine may have the same recording, cut into excerpts.
        tests = {
            recording_of(test.content_hash): test
            for test in clips.of(split="test")
            if test.machine in asked
        }
        faulty = {(c.machine, recording_of(c.content_hash)): c for c in clips.of(label="anomaly")}
        for clip in normals:
            same = faulty.get((clip.machine, recording_of(clip.content_hash)))
            if same is not None:
                self._leave_out(clip, "called an anomaly too, the sound", same)
            test = tests.get(recording_of(clip.content_hash))
            if test is not None and test.machine != clip.machine:
                self._leave_out(clip, "a copy", test)

        def rank(clip: Clip) -> tuple[bool, int, str, str, int]:
            name = str(clip.machine)
            return clip.machine not in asked, len(name), name, clip.path, clip.start_frame or 0

        self._leave_out_copies(sorted(normals, key=rank))
        return self._without_unfit(clips)

    def fit_outliers(self, outliers: Manifest, of: Manifest) -> Manifest:
        """Select the normal clips that are fit, and are of no machine of the clips ``of``.

        Neither by its name, nor by that of the same machine in another set, nor by the sound: that
        of a recording of any of its clips, nearly that of a clip that it may be trained on.
        """
        outliers = outliers.of(label="normal")
        machines = {*of.machines()}
        for clip in outliers:
            if clip.machine in machines:
                self._faults[clip.name] = f"a clip of {clip.machine} itself"
            elif any(map(clip.machine.is_namesake, machines)):
                self._faults[clip.name] = f"a clip of {clip.machine}, perhaps the same machine"
        others = _without(outliers, self._faults)
        self.fit(others)
        known = Sieve(self.store)
        trained = list(known.fit(of.of(split="train", label="normal")))
        self._instants |= known._instants
        first = {recording_of(clip.content_hash): clip for clip in reversed([*of])}
        for clip in others:
            recording = recording_of(clip.content_hash)
            if recording in first:
                self._leave_out(clip, "a copy", first[recording])
        left = list(self._without_unfit(others))
        self._leave_out_copies([*trained, *left], known=len(trained))
        return self._without_unfit(outliers)

    def _short(self, clips: Manifest) -> Iterator[tuple[str, str]]:
        """Say which of a machine's clips are too short beside the others, or beside a window."""
        seconds = [clip.seconds for clip in clips]
        shortest_s = shortest_judged_s(self.store.audio, self.store.features, median(seconds))
        for clip in clips:
            if clip.seconds < shortest_s:
                fault = f"{clip.seconds:.2f} s is too short: {at_least(shortest_s)} are needed"
                yield clip.name, fault

    @property
    def unfit(self) -> Unfit:
        """The clips that did not pass so far, and how many were looked at."""
        return Unfit.of_each(self._faults.items(), self.what)

    @contextmanager
    def explaining(self, clips: Manifest | None = None) -> Iterator[None]:
        """Add to an error about too few clips which ones were left out: of all, or of some."""
        try:
            yield
        except DataError as error:
            names = self._faults if clips is None else {c.name for c in clips} & {*self._faults}
            unfit = Unfit.of_each(((name, self._faults[name]) for name in names), self.what)
            if not unfit:
                raise
            raise DataError(f"{error}; {unfit}", argument=error.arguments) from None

    def _leave_out_copies(self, clips: Sequence[Clip], known: int = 0) -> None:
        """Leave out what is the sound of one before it, or nearly that of another machine's.

        Of the first ``known`` none. Near copies among a machine's own clips stay: they may be two
        recordings with the same noise in them, and ``check`` tells of them.
        """
        first: dict[str, Clip] = {}
        for place, clip in enumerate(clips):
            original = first.setdefault(clip.content_hash, clip)
            if original is not clip and place >= known:
                self._leave_out(clip, "a copy", original)
        for near in near_pairs([self._instants[clip.name] for clip in clips]):
            original, clip = clips[near.first], clips[near.second]
            if near.second >= known and original.machine != clip.machine:
                self._leave_out(clip, "nearly a copy", original)

    def _leave_out(self, clip: Clip, said: str, original: Clip) -> None:
        of = "" if original.machine == clip.machine else f" of {original.machine}"
        self._faults[clip.name] = (
            self._faults[clip.name] or f"{said} of {Path(original.name).name}{of}"
        )

    def _without_unfit(self, clips: Manifest) -> Manifest:
        return _without(clips, {name for name, fault in self._faults.items() if fault})


def _without(clips: Manifest, names: Collection[str]) -> Manifest:
    if not names:
        return clips
    is_other = pl.Series([clip.name not in names for clip in clips], dtype=pl.Boolean)
    return Manifest(clips.table.filter(is_other))
