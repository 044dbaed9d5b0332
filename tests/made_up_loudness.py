"""A scorer that hears loudness alone, and keeps what it was given to hear."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rattle.bundle.file import GoldenClips
from rattle.bundle.schema import BundleInfo
from rattle.runtime.clip_scorer import ClipScorer, NamedParts, Recording, name_of
from rattle.runtime.spans import Span
from rattle.scoring.clip import ClipParts
from rattle.synthetic.level import rms


@dataclass
class Loudness(ClipScorer):
    """A clip's score grows with its RMS; with ``is_deaf`` it is no number."""

    info: BundleInfo
    golden: GoldenClips = ()
    is_deaf: bool = False
    sounds: list[NDArray[np.float32]] = field(default_factory=list)

    def with_info(self, info: BundleInfo) -> Loudness:
        return replace(self, info=info)

    def parts(self, samples: NDArray[np.float32]) -> ClipParts:
        loudness = np.array([np.nan if self.is_deaf else rms(samples)])
        return ClipParts(np.zeros(1), -np.log(loudness), loudness)

    def parts_of_span(self, span: Span) -> ClipParts:
        return self.parts(span.samples)

    def parts_of_each(self, clips: Iterable[Recording]) -> Iterator[NamedParts]:
        for clip in clips:
            samples = self.samples(clip)
            self.sounds.append(samples)
            yield NamedParts(name_of(clip), self.parts(samples), "")
