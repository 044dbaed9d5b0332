"""Rehearse: lay synthetic faults over healthy clips of a machine, and see which are found.

A stand-in for faults before any is known. It shows how loud a sound of some kind has to be against
the machine's own to be noticed, at the present threshold and at others. Real faults may be louder
or quieter, and of other kinds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rattle.bundle.schema import BundleInfo
from rattle.clips.several import check_list
from rattle.errors import ClipError, DataError
from rattle.randomness import named_stream
from rattle.runtime.clip_scorer import ClipScorer, Recording, at_rate, name_of, threshold_of
from rattle.scoring.clip import Unscored
from rattle.scoring.share import Share
from rattle.scoring.threshold import Threshold
from rattle.synthetic import FAULT_KINDS, overlay_fault
from rattle.synthetic.level import amplitude, rms

Samples = NDArray[np.float32]

NOTICE = (
    "Synthetic faults, laid over the machine's own healthy sound: a stand-in. Real faults may be "
    "louder or quieter, and of other kinds."
)
# RMS of the fault over that of the clip, in dB.
LEVELS_DB = (-30.0, -25.0, -20.0, -15.0, -10.0, -5.0, 0.0)
# False-alarm rates that one may ask for.
RATES = (0.01, 0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True)
class LaidOver:
    """Scores of the healthy clips, in their order, each with a fault of a kind and level."""

    kind: str
    level_db: float
    scores: tuple[float, ...]


@dataclass(frozen=True)
class Rehearsal:
    """What a detector makes of healthy clips with and without synthetic faults.

    ``threshold`` is the present one; ``thresholds`` are those for several false-alarm rates, the
    lowest rate first. ``healthy`` are the scores of the clips themselves, ``faults`` those with
    each kind at each level, the quietest first.

    The 95 % intervals count the clips and not the scores: what is laid over one clip is found, or
    not, together. They say how far a share may move with other clips and other draws of the same
    kinds of fault, and nothing of other kinds.
    """

    threshold: Threshold
    thresholds: tuple[Threshold, ...]
    healthy: tuple[float, ...]
    faults: tuple[LaidOver, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of fault, in the order in which they were tried."""
        return tuple(dict.fromkeys(laid.kind for laid in self.faults))

    @property
    def levels_db(self) -> tuple[float, ...]:
        """The levels, the quietest first."""
        return tuple(dict.fromkeys(laid.level_db for laid in self.faults))

    def found(
        self, threshold: float, *, kind: str | None = None, level_db: float | None = None
    ) -> Share:
        """Give the share of faults above ``threshold``: of all, of a kind, of a level, of both.

        Raises ``DataError`` for a kind or level that was not tried.
        """
        scores = [
            laid.scores
            for laid in self.faults
            if kind in (None, laid.kind) and level_db in (None, laid.level_db)
        ]
        if not scores:
            raise DataError(
                f"no fault of kind {kind} at {level_db} dB was tried; tried were "
                f"{', '.join(self.kinds)} at {', '.join(f'{each:g}' for each in self.levels_db)} dB"
            )
        return Share.of(float(np.mean(np.array(scores) > threshold)), len(self.healthy))

    def false_alarms(self, threshold: float) -> Share:
        """Give the share of the healthy clips themselves, without a fault, above ``threshold``."""
        return Share.of(float(np.mean(np.array(self.healthy) > threshold)), len(self.healthy))

    @property
    def is_alarmed_by_health(self) -> bool:
        """Whether more healthy clips are above the threshold than it allows for.

        What is found then shows little: the clips alone would have been found.
        """
        return self.false_alarms(self.threshold.value).low > self.threshold.high

    def half_found_from_db(self, kind: str, threshold: float) -> float | None:
        """Give the level from which on at least half of the faults of a kind are found, in dB.

        Interpolated between the levels that were tried. It is the lowest of these where half are
        found at every level, and None where fewer are found at the loudest.
        """
        shares = [
            self.found(threshold, kind=kind, level_db=level).value for level in self.levels_db
        ]
        if shares[-1] < 0.5:
            return None
        steps = zip(pairwise(self.levels_db), pairwise(shares), strict=True)
        for (quieter, louder), (fewer, more) in reversed(list(steps)):
            if fewer < 0.5:
                return quieter + (louder - quieter) * (0.5 - fewer) / (more - fewer)
        return self.levels_db[0]


def rehearse(
    scorer: ClipScorer,
    clips: Sequence[Recording],
    *,
    kinds: Sequence[str] = FAULT_KINDS,
    levels_db: Sequence[float] = LEVELS_DB,
    seed: int = 0,
    on_scored: Callable[[int, int], None] = lambda scored, of: None,
) -> Rehearsal:
    """Score healthy clips as they are, and with each kind of synthetic fault at each level.

    ``clips`` are files, or arrays ``[T]`` at the recipe's rate; ``stored_clips`` gives those that a
    bundle keeps. They must not be ones that the detector was trained on. Of one longer than
    ``scoring.long_clip_seconds`` the beginning is taken. A clip has one fault of each kind, the
    same at all levels: ``seed`` decides which. ``on_scored`` hears how many of how many scores
    there are.

    Raises ``DataError`` where clips, kinds or levels are none or make no sense, ``ClipError`` for a
    clip that cannot be read, is silent, or of which the detector makes no number.
    """
    kinds, levels_db = list(dict.fromkeys(kinds)), sorted({*levels_db})
    _check(clips, kinds, levels_db)
    healthy = [_healthy(scorer, clip) for clip in clips]
    count = len(healthy) * (1 + len(kinds) * len(levels_db))
    rate = scorer.recipe.audio.sample_rate_hz
    scores = []
    for result in scorer.score_each(_sounds(healthy, kinds, levels_db, rate, seed)):
        if isinstance(result, Unscored):
            raise ClipError(result.reason)
        scores.append(result.score)
        on_scored(len(scores), count)
    # [clips, the clip itself and then each level of each kind]
    table = np.array(scores).reshape(len(healthy), -1)
    columns = [(kind, level) for kind in kinds for level in levels_db]
    return Rehearsal(
        scorer.threshold,
        thresholds_of(scorer.info),
        tuple(table[:, 0].tolist()),
        tuple(
            LaidOver(kind, level, tuple(table[:, column].tolist()))
            for column, (kind, level) in enumerate(columns, start=1)
        ),
    )


def thresholds_of(info: BundleInfo) -> tuple[Threshold, ...]:
    """Fit the thresholds for ``RATES`` and the recipe's own rate, the lowest rate first."""
    rates = sorted({*RATES, info.recipe.scoring.false_alarm_rate})
    return tuple(threshold_of(at_rate(info, rate)) for rate in rates)


def _sounds(
    healthy: Sequence[Samples],
    kinds: Sequence[str],
    levels_db: Sequence[float],
    sample_rate_hz: int,
    seed: int,
) -> Iterator[Samples]:
    """Give each clip, and behind it the clip with each kind at each level."""
    for place, samples in enumerate(healthy):
        yield samples
        for kind in kinds:
            rng = named_stream(seed, f"rehearsal, clip {place}, {kind}")
            laid = overlay_fault(
                samples, kind=kind, level_db=0.0, sample_rate_hz=sample_rate_hz, rng=rng
            )
            added = laid - samples
            for level in levels_db:
                yield samples + np.float32(amplitude(level)) * added


def _healthy(scorer: ClipScorer, clip: Recording) -> Samples:
    samples = scorer.samples(clip)
    recipe = scorer.recipe
    samples = samples[: round(recipe.scoring.long_clip_seconds * recipe.audio.sample_rate_hz)]
    if not rms(samples):
        raise ClipError(
            f"{name_of(clip)} is silent, so no fault can be laid over it at a level relative to "
            "its own; leave it out"
        )
    return samples


def _check(clips: Sequence[Recording], kinds: Sequence[str], levels_db: Sequence[float]) -> None:
    check_list(clips, "clips", "healthy.wav")
    if not clips:
        raise DataError("no healthy clip to lay faults over; give at least one")
    unknown = [kind for kind in kinds if kind not in FAULT_KINDS]
    if unknown or not kinds:
        raise DataError(
            f"kinds of fault are {', '.join(FAULT_KINDS)}, not {', '.join(unknown) or 'none'}"
        )
    if not levels_db or not all(map(math.isfinite, levels_db)):
        raise DataError(
            f"levels are finite numbers of dB, at least one; {list(levels_db)} were given"
        )
