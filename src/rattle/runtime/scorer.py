"""Score clips by a bundle's graph and head."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rattle.ahead import map_ahead
from rattle.bundle import BundleInfo, ScoringBundle, read_scoring_bundle
from rattle.bundle.file import GoldenClips
from rattle.cores import readers
from rattle.errors import BundleError, ClipError
from rattle.runtime.clip_scorer import ClipScorer, NamedParts, Recording, name_of
from rattle.runtime.graph import Graph, shared_graph
from rattle.runtime.spans import Span
from rattle.scoring.clip import ClipParts, Embedded, Unscored
from rattle.scoring.head import Head
from rattle.scoring.spectrum import blocks, spectra_of_frames
from rattle.scoring.windows import WINDOWS_AT_ONCE, Windows, clip_windows, frame_seconds


@dataclass(frozen=True)
class Scorer(ClipScorer):
    """A detector without torch: the same scores, by the graph of its encoder and by its head."""

    info: BundleInfo
    head: Head
    graph: Graph
    golden: GoldenClips = ()
    identity: str = ""

    @classmethod
    def load(cls, path: str | Path) -> Scorer:
        """Read a bundle; ``BundleError`` where it is damaged, or holds no graph."""
        bundle = read_scoring_bundle(Path(path))
        baseline = bundle.info.recipe.baseline
        if baseline is not None:
            raise BundleError(
                f"{path} is of a baseline ({baseline.name}), which has no graph; only a network "
                "scores without torch and listens"
            )
        scorer = cls._of(bundle, path)
        if scorer is None:
            raise BundleError(f"{path} holds no graph; export it first", argument="graph")
        return scorer

    @classmethod
    def find(cls, path: str | Path) -> Scorer | None:
        """Read a bundle as ``load`` does; None where it is whole and holds no graph."""
        return cls._of(read_scoring_bundle(Path(path)), path)

    @classmethod
    def _of(cls, bundle: ScoringBundle, path: str | Path) -> Scorer | None:
        if bundle.graph is None or bundle.head is None:
            return None
        try:
            head = Head.restored(bundle.head, bundle.info.recipe)
            scorer = cls(
                bundle.info, head, shared_graph(bundle.graph), bundle.golden, bundle.identity
            )
            scorer.check_fit()
        except BundleError as error:
            raise BundleError(f"{path}: {error}", argument=error.arguments) from None
        except ValueError as error:
            raise BundleError(f"{path}: {error}") from None
        return scorer

    def with_info(self, info: BundleInfo) -> Scorer:
        return replace(self, info=info)

    def check_fit(self) -> None:
        """Raise ``ValueError`` where graph, head and recipe are not of one detector."""
        bands, dimensions = self.recipe.features.mel_bands, self.head.dimensions
        if (self.graph.bands, self.graph.dimensions) != (bands, dimensions):
            raise ValueError(
                f"its graph has {self.graph.bands} bands and embeddings of "
                f"{self.graph.dimensions} numbers, its recipe {bands} and its head {dimensions}"
            )
        if self.graph.bins != self.recipe.spectrum_bins:
            raise ValueError(
                f"its graph takes spectra of {self.graph.bins} bins, by its recipe they have "
                f"{self.recipe.spectrum_bins}"
            )

    def parts(self, samples: NDArray[np.float32]) -> ClipParts:
        """Say how anomalous each window of mono ``samples [T]`` at the recipe's rate is."""
        clip = self.embed(samples)
        return self.head.parts(clip.start_s, clip.z)

    def parts_of_span(self, span: Span) -> ClipParts:
        """See ``ClipScorer``."""
        frames = span.starts[:, None] - span.first + np.arange(self.recipe.features.window_frames)
        spectra = self.spectra(span.samples, frames)
        output = self.graph.run(span.samples, frames, self.info.amplitude, spectra=spectra)
        start_s = np.asarray(span.starts * frame_seconds(self.recipe), np.float64)
        return self.head.parts(start_s, output.embeddings)

    def embed(self, samples: NDArray[np.float32], windows: Windows | None = None) -> Embedded:
        """Embed ``windows`` of mono ``samples [T]``; those that are scored where none are given."""
        count = 1 + len(samples) // self.recipe.features.hop_samples
        windows = clip_windows(count, self.recipe) if windows is None else windows
        frames = windows.frames(count)
        embeddings = [
            self._embeddings(samples, frames[first : first + WINDOWS_AT_ONCE], count)
            for first in range(0, len(frames), WINDOWS_AT_ONCE)
        ]
        start_s = np.asarray(windows.starts * frame_seconds(self.recipe), np.float64)
        return Embedded(start_s, np.concatenate(embeddings))

    def features(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the features of mono ``samples [T]`` as training does: ``[1 + T // hop, width]``.

        Log-mels by the graph and, of an encoder that sees spectra, the normalised samples.
        """
        settings = self.recipe.features
        count = 1 + len(samples) // settings.hop_samples
        # The graph takes a window too, whose embedding nobody asks for here.
        frames = Windows(np.zeros(1, dtype=np.int64), settings.window_frames).frames(count)
        spectra = self.spectra(samples, frames)
        log_mels = self.graph.run(samples, frames, self.info.amplitude, spectra=spectra).features
        if not self.recipe.sees_spectrum:
            return log_mels[:count]
        normalised = np.empty_like(samples)
        self.info.amplitude.normalise(samples, out=normalised)
        return np.concatenate([log_mels[:count], blocks(normalised, settings.hop_samples)], axis=1)

    def parts_of_each(self, clips: Iterable[Recording]) -> Iterator[NamedParts | Unscored]:
        # A clip is one thread's work from file to parts: nothing waits for another.
        return map_ahead(self._judged, clips, readers())

    def _embeddings(
        self, samples: NDArray[np.float32], frames: NDArray[np.int64], count: int
    ) -> NDArray[np.float32]:
        """Embed windows of frames ``[n, W]``, from just the samples that they span: ``[n, D]``."""
        features = self.recipe.features
        hop = features.hop_samples
        # Frames so near to where the samples are cut would see the cut.
        margin = -(-features.fft_samples // 2 // hop)
        low = max(int(frames.min()) - margin, 0)
        high = int(frames.max()) + margin
        end = len(samples) if high >= count - 1 else high * hop
        piece = samples[low * hop : end]
        spectra = self.spectra(piece, frames - low)
        return self.graph.run(piece, frames - low, self.info.amplitude, spectra=spectra).embeddings

    def spectra(
        self, samples: NDArray[np.float32], frames: NDArray[np.int64]
    ) -> NDArray[np.float32] | None:
        """Compute the spectra of windows of frames ``[n, W]`` of raw ``samples [T]``, which begin
        where frame 0 is centred; None where the encoder sees none."""
        if not self.recipe.sees_spectrum:
            return None
        features = self.recipe.features
        # Zeros behind a clip are zeros of normalised samples, as in training.
        centred = samples - np.float32(self.info.amplitude.mean)
        return spectra_of_frames(centred, frames, features.hop_samples, features.window_frames)

    def _judged(self, clip: Recording) -> NamedParts | Unscored:
        try:
            path = self.long_file(clip)
            if path is not None:
                return self.judged_in_spans(path)
            return self.judged(name_of(clip), self.heard(clip))
        except ClipError as error:
            return Unscored(name_of(clip), str(error))
