"""Tell how anomalous a machine's sound is: a trained model with all that makes scores of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rattle.ahead import map_ahead
from rattle.baselines import restore_baseline
from rattle.bundle import Bundle, BundleInfo, read_bundle, write_bundle
from rattle.bundle.file import GoldenClips
from rattle.bundle.known import Known
from rattle.bundle.replay import Replay
from rattle.clips.hearing import Heard
from rattle.diagnosis.reference import Reference
from rattle.errors import BundleError, ClipError
from rattle.features.front_end import FrontEnd
from rattle.learning.device import place
from rattle.learning.inference import TrainedNetwork, embed
from rattle.learning.model import Model
from rattle.runtime.clip_scorer import ClipScorer, NamedParts, Recording, name_of
from rattle.runtime.spans import Span
from rattle.scoring.clip import ClipParts, Embedded, Unscored
from rattle.scoring.windows import Windows, frame_seconds

READERS = 2


@dataclass(frozen=True)
class Detector(ClipScorer):
    """A value: one machine's detector, as a bundle holds it.

    ``load`` reads one, ``save`` writes it, ``score`` and ``verify`` use it. ``rattle.fit`` and
    ``rattle.adapt`` make one, ``rattle.export`` one that scores without torch too.
    """

    info: BundleInfo
    model: Model
    golden: GoldenClips
    known: Known = field(default_factory=Known)
    replay: Replay = field(default_factory=Replay)
    reference: Reference | None = None
    graph: bytes | None = None

    @classmethod
    def load(cls, path: str | Path, *, device: str = "auto") -> Detector:
        """Read a bundle; ``BundleError`` where it is damaged or of another version."""
        try:
            return cls.of(read_bundle(Path(path)), device=device)
        except ValueError as error:
            raise BundleError(f"{path}: {error}") from None

    @classmethod
    def of(cls, bundle: Bundle, *, device: str = "auto") -> Detector:
        """Restore the detector that a bundle holds; ``ValueError`` where its parts do not fit."""
        recipe = bundle.info.recipe
        restore = TrainedNetwork.restored if recipe.baseline is None else restore_baseline
        model = restore(recipe, bundle.learnt, place(device, recipe.training.precision))
        return cls(
            bundle.info,
            model,
            bundle.golden,
            bundle.known,
            bundle.replay,
            bundle.reference,
            bundle.graph,
        )

    def with_info(self, info: BundleInfo) -> Detector:
        return replace(self, info=info)

    def save(self, path: str | Path) -> None:
        """Write the bundle: beside, then renamed."""
        write_bundle(self.bundle(), Path(path))

    def bundle(self) -> Bundle:
        """Give what ``save`` writes."""
        return Bundle(
            self.info,
            self.model.learnt(),
            self.golden,
            self.known,
            self.replay,
            self.reference,
            self.graph,
        )

    @cached_property
    def front_end(self) -> FrontEnd:
        """What reads clips as the recipe says."""
        return FrontEnd.of(self.recipe)

    def parts(self, samples: NDArray[np.float32]) -> ClipParts:
        """Say how anomalous each window of mono ``samples [T]`` at the recipe's rate is."""
        return self.model.parts(self.features(samples))

    def parts_of_span(self, span: Span) -> ClipParts:
        """See ``ClipScorer``."""
        starts, length = span.starts - span.first, self.recipe.features.window_frames
        parts = self.model.parts(self.features(span.samples), Windows(starts, length))
        start_s = np.asarray(span.starts * frame_seconds(self.recipe), np.float64)
        return replace(parts, start_s=start_s)

    def embed(self, samples: NDArray[np.float32], windows: Windows | None = None) -> Embedded:
        """Embed ``windows`` of mono ``samples [T]``; those that are scored where none are given.

        Of a network; a baseline embeds nothing.
        """
        if not isinstance(self.model, TrainedNetwork):
            raise TypeError("a baseline has no encoder")
        rows, placement = self.features(samples), self.model.placement
        return embed(self.model.encoder, rows, self.recipe, placement, windows)

    def features(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the features of mono ``samples [T]``, ``[1 + T // hop, width]``."""
        return self.front_end.features(samples, self.info.amplitude)

    def log_mel(self, clip: Recording) -> NDArray[np.float32]:
        """Compute a clip's log-mel ``[frames, bands]`` in dB: what people are shown of it."""
        return self.front_end.log_mel(self.samples(clip), self.info.amplitude)

    def parts_of_each(self, clips: Iterable[Recording]) -> Iterator[NamedParts | Unscored]:
        for name, heard in map_ahead(self._heard, clips, READERS):
            try:
                if isinstance(heard, Path):
                    yield self.judged_in_spans(heard)
                elif isinstance(heard, str):
                    yield Unscored(name, heard)
                else:
                    yield self.judged(name, heard)
            except ClipError as error:
                yield Unscored(name, str(error))

    def _heard(self, clip: Recording) -> tuple[str, Heard | Path | str]:
        try:
            return name_of(clip), self.long_file(clip) or self.heard(clip)
        except ClipError as error:
            return name_of(clip), str(error)
