"""Score recordings and decide: what every way of computing a clip's parts shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from threading import BoundedSemaphore
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from rattle.bundle.file import GoldenClips
from rattle.bundle.schema import BundleInfo, HeldOut
from rattle.clips.clip import Clip
from rattle.clips.hearing import Heard, Hearing, Judgement, hear, hear_samples, refused, samples_in
from rattle.clips.length import at_least, shortest_judged_s
from rattle.clips.machine import Machine
from rattle.clips.pcm16 import from_16_bit
from rattle.clips.recorder import Bands
from rattle.clips.several import check_list
from rattle.errors import ClipError, DataError
from rattle.recipe import Recipe
from rattle.recipe.parts import Audio
from rattle.runtime.channel import mono_of
from rattle.runtime.spans import Span, spans
from rattle.scoring.clip import (
    AveragedParts,
    ClipParts,
    ClipScore,
    Mix,
    Unscored,
    clip_score,
    joined,
)
from rattle.scoring.decision import Decision
from rattle.scoring.score import Scale, Values
from rattle.scoring.threshold import Threshold, silencing
from rattle.scoring.windows import is_long

ScaleName = Literal["fixed", "paper"]
# Long recordings that are scored at a time, however many cores there are: each takes the memory of
# a span.
LONG_AT_ONCE = BoundedSemaphore(4)
Recording = str | Path | Clip | NDArray[np.float32]


@dataclass(frozen=True)
class NamedParts:
    """A clip's name, its parts, and what one has to know beside its score; empty where nothing.

    Of one that is too short nothing is decided.
    """

    name: str
    parts: ClipParts
    remark: str
    too_short: bool = False


class ClipScorer(ABC):
    """Scores clips by what a bundle states; how their parts come about is the subclass's."""

    info: BundleInfo
    golden: GoldenClips

    @abstractmethod
    def parts(self, samples: NDArray[np.float32]) -> ClipParts:
        """Say how anomalous each window of mono ``samples [T]`` at the recipe's rate is."""

    @abstractmethod
    def parts_of_span(self, span: Span) -> ClipParts:
        """Say how anomalous each window of a part of a long recording is."""

    @abstractmethod
    def parts_of_each(self, clips: Iterable[Recording]) -> Iterator[NamedParts | Unscored]:
        """Give the parts of each clip in order, or why there are none."""

    @abstractmethod
    def with_info(self, info: BundleInfo) -> Self:
        """Give the same detector, but that it states ``info``."""

    @property
    def machine(self) -> Machine:
        """The machine whose sound it knows."""
        return Machine.parse(self.info.machine)

    @property
    def recipe(self) -> Recipe:
        """The recipe it was trained by."""
        return self.info.recipe

    @property
    def threshold(self) -> Threshold:
        """The threshold of fixed-scale scores for the recipe's false-alarm rate."""
        return self.decision.threshold

    @cached_property
    def decision(self) -> Decision:
        """What fixed-scale scores are held against."""
        return decision_of(self.info)

    def at_rate(self, false_alarm_rate: float) -> Self:
        """Give the same detector with the threshold for another false-alarm rate.

        Raises ``DataError`` where that is no rate between 0 and 1.
        """
        return self.with_info(at_rate(self.info, false_alarm_rate))

    def score(self, clips: Sequence[Recording], *, scale: ScaleName = "fixed") -> list[ClipScore]:
        """Give the anomaly score of each clip (equation 5), in the order given.

        A clip is a file, or an array of samples at the recipe's rate: ``[T]``, or ``[T, channels]``
        of which the recipe's channel is heard, floating-point numbers with full scale at +-1.
        ``fixed`` scores do not depend on each other; ``paper`` scales the distance by its range
        over these clips. Raises ``DataError`` for one clip that is in no list, ``ClipError`` at the
        first clip that cannot be read or is not fit to be judged: silent, frozen, clipped or
        damaged.
        """
        scored_clips = []
        for result in self.score_each(clips, scale=scale):
            if isinstance(result, Unscored):
                raise ClipError(result.reason)
            scored_clips.append(result)
        return scored_clips

    def score_each(
        self, clips: Iterable[Recording], *, scale: ScaleName = "fixed"
    ) -> Iterator[ClipScore | Unscored]:
        """Score as ``score``, one by one; a clip that cannot be judged does not stop the rest."""
        check_list(clips, "clips", "new.wav")
        scored: Iterable[NamedParts | Unscored] = map(_finite, self.parts_of_each(clips))
        mix = self.mix()
        if scale == "paper":
            scored = list(scored)
            parts = [clip.parts for clip in scored if isinstance(clip, NamedParts)]
            distances = [part.distances for part in parts if part.distances is not None]
            if distances:
                mix = self.mix(Scale.spanning(np.concatenate(distances)))
        decision = decision_of(self.info, mix)
        for clip in scored:
            if isinstance(clip, NamedParts):
                score = clip_score(clip.name, clip.parts, mix, decision, too_short=clip.too_short)
                yield replace(score, remark=clip.remark or None)
            else:
                yield clip

    def verify(self) -> float:
        """Score the golden clips again: the largest difference from what the bundle states.

        A difference is relative to the score where that is above 1. See ``SCORES_AGREE_WITHIN``.
        """
        pairs = zip(self.golden_scores(), self.info.golden, strict=True)
        return max(
            (abs(clip.score - said.score) / max(abs(said.score), 1.0) for clip, said in pairs),
            default=0.0,
        )

    def golden_scores(self) -> list[ClipScore]:
        """Score the golden clips. Rounded to 16 bits they may be clipped: they are not judged."""
        mix = self.mix()
        scores = []
        for number, samples in enumerate(self.golden):
            clip = _finite(
                NamedParts(f"golden clip {number}", self.parts(from_16_bit(samples)), "")
            )
            if isinstance(clip, Unscored):
                raise ClipError(clip.reason)
            scores.append(clip_score(clip.name, clip.parts, mix, self.decision))
        return scores

    def mix(self, scale: Scale | None = None) -> Mix:
        """Say how a clip's parts become its score, with the fixed scale or another one."""
        return mix_of(self.info, scale)

    def samples(self, clip: Recording) -> NDArray[np.float32]:
        """Read a clip's samples ``[T]`` as its bundle hears them: one channel at its rate.

        Raises ``ClipError`` for a file that cannot be read, an array that makes no sense and sound
        that is not fit to be judged.
        """
        return self.heard(clip).samples

    def heard(self, clip: Recording) -> Heard:
        """Read a clip as ``samples`` does, with what was judged of its sound.

        Of a long recording some windows may be fit and others not; see ``judged``.
        """
        audio = self.recipe.audio
        if isinstance(clip, Clip):
            heard = hear(Path(clip.path), audio, clip.excerpt)
        elif isinstance(clip, str | PathLike):
            heard = hear(Path(clip), audio)
        else:
            heard = hear_samples(_checked(clip, audio), audio.sample_rate_hz)
        if heard.fault and not self._is_long(len(heard.samples)):
            raise refused(name_of(clip), heard.fault)
        return heard

    def long_file(self, clip: Recording) -> Path | None:
        """Give a clip's file where it is a recording too long to be taken into memory.

        Raises ``ClipError`` where it cannot be opened.
        """
        given = clip.path if isinstance(clip, Clip) and not clip.excerpt else clip
        if not isinstance(given, str | PathLike):
            return None
        path, audio = Path(given), self.recipe.audio
        # A header may be off by a few samples: a second more than what counts as long.
        is_long = self._is_long(samples_in(path, audio) - audio.sample_rate_hz)
        return path if is_long else None

    def judged_in_spans(self, path: Path) -> NamedParts:
        """Give the parts of a long recording as ``judged``, in memory that its length is not in."""
        audio = self.recipe.audio
        hearing, bands, count = Hearing(path, audio), Bands(samples_in(path, audio)), 0

        def blocks() -> Iterator[NDArray[np.float32]]:
            nonlocal count
            for block in hearing.blocks():
                bands.push(block)
                count += len(block)
                yield block

        with LONG_AT_ONCE:
            parts = joined([self.parts_of_span(span) for span in spans(blocks(), self.recipe)])
        return self._told(str(path), parts, hearing.judgement(bands), count)

    def judged(self, name: str, heard: Heard) -> NamedParts:
        """Give the parts of a clip; of a long recording those of the windows that are fit.

        Raises ``ClipError`` where no window is.
        """
        samples = heard.samples
        if self._is_long(len(samples)):
            parts = joined([self.parts_of_span(span) for span in spans([samples], self.recipe)])
        else:
            parts = self.parts(samples)
        return self._told(name, parts, heard.judgement, len(samples))

    def _told(self, name: str, parts: ClipParts, heard: Judgement, samples: int) -> NamedParts:
        remarks = [heard.remark] if heard.remark else []
        if heard.has_faults and self._is_long(samples):
            window_s = self.recipe.features.window_samples / self.recipe.audio.sample_rate_hz
            faults = [heard.fault_within(start, start + window_s) for start in parts.start_s]
            is_fit = np.array([not fault for fault in faults])
            if not is_fit.any():
                raise refused(name, heard.fault)
            if not is_fit.all():
                why = heard.fault or next(filter(None, faults))
                left_out = len(is_fit) - int(is_fit.sum())
                remarks.append(f"{left_out} of {len(is_fit)} windows are left out: {why}")
                parts = parts.where(is_fit)
        otherwise = self.info.recorder and self.info.recorder.otherwise(heard.traits)
        if otherwise:
            remarks.append(f"{otherwise}; its score may come from that")
        too_short = self._is_below(samples)
        if too_short:
            remarks.insert(0, self._too_short(samples))
        return NamedParts(name, parts, "; ".join(remarks), too_short)

    @cached_property
    def shortest_s(self) -> float:
        """The seconds from which on a clip is judged: by the window and by the clips trained on."""
        rate = self.recipe.audio.sample_rate_hz
        # They are held-out clips of the training.
        usual_s = max((len(clip) / rate for clip in self.golden), default=float("inf"))
        return shortest_judged_s(self.recipe.audio, self.recipe.features, usual_s)

    def is_too_short(self, samples: NDArray[np.float32]) -> bool:
        """Say whether ``samples [T]`` are too few to be judged."""
        return self._is_below(len(samples))

    def _is_below(self, samples: int) -> bool:
        return samples < int(self.shortest_s * self.recipe.audio.sample_rate_hz)

    def _too_short(self, samples: int) -> str:
        seconds = samples / self.recipe.audio.sample_rate_hz
        return f"{seconds:.2f} s is too short to judge: record {at_least(self.shortest_s)} or more"

    def _is_long(self, samples: int) -> bool:
        frames = 1 + samples // self.recipe.features.hop_samples
        return is_long(frames, self.recipe)


def mix_of(info: BundleInfo, scale: Scale | None = None) -> Mix:
    """Say how a bundle's parts become scores, with its fixed scale or another one."""
    return Mix(info.alpha, scale or info.scale)


def at_rate(info: BundleInfo, false_alarm_rate: float) -> BundleInfo:
    """State another false-alarm rate; ``DataError`` where that is none between 0 and 1."""
    if not 0 < false_alarm_rate < 1:
        raise DataError(
            f"{false_alarm_rate:g} is no false-alarm rate; give the share of healthy clips that "
            "may be called anomalous, such as 0.05",
            argument="false_alarms",
        )
    recipe = info.recipe.with_values(scoring={"false_alarm_rate": false_alarm_rate})
    return info.model_copy(update={"recipe": recipe})


def threshold_of(info: BundleInfo, mix: Mix | None = None) -> Threshold:
    """Fit the threshold for the recipe's false-alarm rate to the bundle's normals; see below."""
    return decision_of(info, mix).threshold


def decision_of(info: BundleInfo, mix: Mix | None = None) -> Decision:
    """Fit the threshold for the recipe's false-alarm rate to normals that were not learnt from.

    It is one of scores by ``mix``; of fixed-scale scores by default. What someone called normal is
    not above it.
    """
    mix = mix or mix_of(info)
    healthy = scores_of([*info.held_out, *info.cross_fitted], mix)
    decision = Decision.of(healthy, info.recipe.scoring.false_alarm_rate)
    if not info.silenced:
        return decision
    threshold, silent = decision.threshold, silencing(scores_of(info.silenced, mix))
    return replace(decision, threshold=replace(threshold, value=max(threshold.value, silent)))


def scores_of(clips: Sequence[HeldOut], mix: Mix) -> Values:
    """Compute s of normals whose parts a bundle keeps, ``[n]``."""
    return parts_of(clips).scores(mix)


def parts_of(clips: Sequence[HeldOut]) -> AveragedParts:
    """Take the parts of normals that a bundle keeps, ``[n]`` each."""
    gaps = [clip.gap for clip in clips if clip.gap is not None]
    distances = [clip.distance for clip in clips if clip.distance is not None]
    return AveragedParts(
        np.array(gaps) if gaps else None, np.array(distances) if distances else None
    )


def name_of(clip: Recording) -> str:
    """Say what a clip is called in results."""
    if isinstance(clip, Clip):
        return clip.name
    return str(clip) if isinstance(clip, str | PathLike) else "samples"


def _finite(clip: NamedParts | Unscored) -> NamedParts | Unscored:
    # NaN is above no threshold: it would pass for normal.
    if isinstance(clip, Unscored) or clip.parts.is_finite:
        return clip
    return Unscored(
        clip.name,
        f"{clip.name}: what the model says of it is not a finite number; check the recording, and "
        "if others fail too, train the detector again",
    )


def _checked(samples: object, audio: Audio) -> NDArray[np.float32]:
    """Take what the recipe hears of an array; ``ClipError`` as ``mono_of``, and for no sample."""
    mono = mono_of(samples, audio.channel)
    if not mono.size:
        raise ClipError("an array of samples is empty; leave it out")
    return mono
