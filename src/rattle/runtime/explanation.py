"""Say why a clip is an alarm: what differs in its sound, what the detector reacts to, what is near.

What differs physically comes from the machine's healthy clips alone (``diagnosis``). What the
detector reacts to is tried: each band of the clip is replaced by that of a healthy clip, and the
score falls where the detector heard something there. The two need not agree, and it is said where
they do not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rattle.bundle.file import GoldenClips
from rattle.bundle.known import Known, KnownClip
from rattle.bundle.schema import BundleInfo
from rattle.clips.hearing import Heard
from rattle.clips.pcm16 import from_16_bit
from rattle.diagnosis.difference import Difference
from rattle.diagnosis.differences import differences
from rattle.diagnosis.reference import Reference
from rattle.diagnosis.seen import SeenSpectrum, seen_spectrum
from rattle.errors import BundleError, ClipError
from rattle.runtime.clip_scorer import NamedParts, Recording, name_of
from rattle.scoring.clip import ClipParts, ClipScore, Embedded, Mix, clip_score, clip_value
from rattle.scoring.decision import Decision
from rattle.scoring.score import Values

Samples = NDArray[np.float32]

# A difference that healthy clips hardly ever reach, and that none of them has, is worth saying.
UNUSUAL = 1.0
# Bands of half an octave that are tried one by one, from here up to half the sample rate.
LOWEST_HZ, BANDS_AN_OCTAVE = 31.25, 2
# A band counts where the score falls by so much of what it is above the threshold without it.
REACTION = 0.1


class Hears(Protocol):
    """A bundle opened to score, by its graph or its network."""

    @property
    def decision(self) -> Decision: ...

    def mix(self) -> Mix: ...

    def heard(self, clip: Recording) -> Heard: ...

    def judged(self, name: str, heard: Heard) -> NamedParts: ...

    def parts(self, samples: Samples) -> ClipParts: ...

    def is_too_short(self, samples: Samples) -> bool: ...

    def embed(self, samples: Samples) -> Embedded: ...


@dataclass(frozen=True)
class Reaction:
    """A band, and by how much the score falls when a healthy clip's sound is put there."""

    low_hz: float
    high_hz: float
    fall: float


@dataclass(frozen=True)
class Near:
    """A clip that the detector knows, and how far the clip's embedding is from it."""

    name: str
    distance: float


@dataclass(frozen=True)
class Explanation:
    """Why a clip scores as it does.

    Of a long recording it is about the seconds ``start_s`` to ``end_s`` around its highest window,
    and so is ``score``; else these are None.

    ``differences`` are all that were found, the most unusual first; ``healthy`` counts the clips
    that they were told by, ``spectrum`` is theirs and the clip's. ``reactions`` are those of every
    band, in order of frequency; none where the bundle keeps no healthy clip to try with. ``normal``
    and ``anomaly`` are the nearest clips that it learnt from.
    """

    score: ClipScore
    healthy: int
    differences: tuple[Difference, ...]
    spectrum: SeenSpectrum
    reactions: tuple[Reaction, ...]
    normal: Near | None
    anomaly: Near | None
    start_s: float | None = None
    end_s: float | None = None

    @property
    def telling(self) -> tuple[Difference, ...]:
        """What stands out: beyond all healthy clips, and more so than they do by chance."""
        return tuple(d for d in self.differences if d.is_outside and d.unusualness > UNUSUAL)

    @property
    def heard(self) -> tuple[Reaction, ...]:
        """The bands that the detector reacts to, the strongest first."""
        least = REACTION * max(self.score.score - self.score.threshold, 0.0)
        strong = [band for band in self.reactions if band.fall > max(least, 0.0)]
        return tuple(sorted(strong, key=lambda band: -band.fall))

    @property
    def unheard(self) -> tuple[Difference, ...]:
        """What stands out where the detector reacts to nothing."""
        return tuple(
            each
            for each in self.telling
            if each.kind != "level" and not any(_overlap(each, band) for band in self.heard)
        )

    @property
    def unmeasured(self) -> tuple[Reaction, ...]:
        """Bands that the detector reacts to, and where nothing stands out."""
        return tuple(
            band
            for band in self.heard
            if not any(_overlap(each, band) for each in self.telling if each.kind != "level")
        )


class Keeps(Protocol):
    """What a bundle keeps that an explanation takes: a ``Bundle`` or a ``Detector``."""

    @property
    def info(self) -> BundleInfo: ...

    @property
    def golden(self) -> GoldenClips: ...

    @property
    def known(self) -> Known: ...

    @property
    def reference(self) -> Reference | None: ...


def explain(bundle: Keeps, scorer: Hears, clip: Recording) -> Explanation:
    """Explain a clip by the bundle and by ``scorer``, which is that bundle opened to score.

    Of a recording longer than ``scoring.long_clip_seconds`` a piece around its highest window is
    explained, as long as a stored healthy clip: a longer one is unusual by its length alone.
    Raises ``BundleError`` where the bundle keeps no reference, ``ClipError`` for a clip that cannot
    be read or of which the model makes no number.
    """
    if bundle.reference is None:
        raise BundleError("the bundle keeps no reference of its healthy clips; train it again")
    heard = scorer.heard(clip)
    samples, rate = heard.samples, bundle.info.recipe.audio.sample_rate_hz
    start_s = end_s = None
    if len(samples) <= bundle.info.recipe.scoring.long_clip_seconds * rate:
        score = _scored(name_of(clip), scorer, samples)
    else:
        parts = scorer.judged(name_of(clip), heard).parts
        score = clip_score(name_of(clip), parts, scorer.mix(), scorer.decision)
        first, samples = _around_highest(score, heard, bundle)
        start_s, end_s = first / rate, (first + len(samples)) / rate
        score = _scored(name_of(clip), scorer, samples)
    return Explanation(
        score,
        bundle.reference.clips,
        tuple(_later(each, start_s or 0.0) for each in differences(samples, bundle.reference)),
        seen_spectrum(samples, bundle.reference),
        tuple(_reactions(bundle, scorer, samples, score.score)),
        *_nearest(bundle, scorer, samples),
        start_s=start_s,
        end_s=end_s,
    )


def _scored(name: str, scorer: Hears, samples: Samples) -> ClipScore:
    parts = scorer.parts(samples)
    if not parts.is_finite:
        # NaN is above no threshold: it would pass for normal.
        raise ClipError(f"{name}: what the model says of it is not a finite number")
    too_short = scorer.is_too_short(samples)
    return clip_score(name, parts, scorer.mix(), scorer.decision, too_short=too_short)


def _around_highest(score: ClipScore, heard: Heard, bundle: Keeps) -> tuple[int, Samples]:
    """Cut the piece around the highest window, and say at which sample it begins.

    It is that window alone where some sound of the recording is not fit: the next may be.
    """
    recipe, samples = bundle.info.recipe, heard.samples
    rate, window = recipe.audio.sample_rate_hz, recipe.features.window_samples
    around = len(bundle.golden[0]) if bundle.golden and not heard.judgement.has_faults else 0
    length = max(around, window)
    highest = max(score.windows, key=lambda each: each.score)
    first = round(highest.start_s * rate) - (length - window) // 2
    first = min(max(first, 0), len(samples) - length)
    return first, samples[first : first + length]


def _later(difference: Difference, by_s: float) -> Difference:
    """Count a difference's seconds from the recording's beginning, not the piece's."""
    if difference.start_s is None or difference.end_s is None:
        return difference
    return replace(difference, start_s=difference.start_s + by_s, end_s=difference.end_s + by_s)


def _reactions(bundle: Keeps, scorer: Hears, samples: Samples, score: float) -> Iterator[Reaction]:
    if not bundle.golden:
        return
    rate = bundle.info.recipe.audio.sample_rate_hz
    healthy = np.resize(from_16_bit(bundle.golden[0]), len(samples))
    own, other = np.fft.rfft(samples), np.fft.rfft(healthy)
    hz = np.fft.rfftfreq(len(samples), 1 / rate)
    for low, high in bands(rate):
        inside = (hz >= low) & ((hz < high) | (high == rate / 2))
        if not inside.any():
            continue
        mixed = np.fft.irfft(np.where(inside, other, own), len(samples)).astype(np.float32)
        without = clip_value(scorer.parts(mixed), scorer.mix())
        yield Reaction(low, high, score - without)


def bands(sample_rate_hz: int) -> list[tuple[float, float]]:
    """List the bands that are tried, in Hz: all below the first edge, then half an octave each."""
    octaves = math.log2(sample_rate_hz / 2 / LOWEST_HZ)
    steps = np.arange(max(round(octaves * BANDS_AN_OCTAVE), 1))
    edges = [0.0, *(LOWEST_HZ * 2 ** (steps / BANDS_AN_OCTAVE)).tolist(), sample_rate_hz / 2]
    return list(pairwise(edges))


def _overlap(difference: Difference, band: Reaction) -> bool:
    if difference.kind in ("line", "moved"):
        places = (*difference.lines_hz, *difference.usual_hz)
        return any(band.low_hz <= hz < band.high_hz for hz in places)
    return difference.low_hz < band.high_hz and band.low_hz < difference.high_hz


def _nearest(bundle: Keeps, scorer: Hears, samples: Samples) -> tuple[Near | None, Near | None]:
    """Find the normal and the anomalous clip whose embeddings are nearest."""
    if bundle.info.recipe.baseline is not None:
        return None, None
    z = scorer.embed(samples).z.astype(np.float64)
    return _near(z, bundle.known.normals), _near(z, bundle.known.anomalies)


def _near(z: Values, clips: Sequence[KnownClip]) -> Near | None:
    if not clips:
        return None
    each = [float(_squared(z, clip.z).min(axis=1).mean()) for clip in clips]
    nearest = int(np.argmin(each))
    return Near(clips[nearest].name, each[nearest])


def _squared(z: Values, others: NDArray[np.float32]) -> Values:
    """Mean squared difference of each of ``z [n, D]`` from each of the others ``[k, D]``."""
    apart: Values = np.square(z[:, None] - others.astype(np.float64)).mean(axis=2)
    return apart
