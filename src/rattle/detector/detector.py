"""The detector: a trained network with all that turns a recording into a score and a decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rattle.ahead import map_ahead
from rattle.baselines import restore_baseline
from rattle.bundle import Bundle, BundleInfo, read_bundle, write_bundle
from rattle.bundle.replay import Replay
from rattle.clips.amplitude import Amplitude
from rattle.clips.layouts import load_manifest, load_outliers
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.errors import BundleError, ClipError
from rattle.features.front_end import FrontEnd
from rattle.learning.device import place
from rattle.learning.inference import TrainedNetwork
from rattle.learning.model import Model
from rattle.recipe import Recipe
from rattle.runtime.clip_scorer import ClipScorer, NamedParts, Recording, ScaleName, name_of
from rattle.scoring.clip import ClipParts, ClipScore, Unscored

__all__ = ["ClipScore", "Detector", "ScaleName", "Unscored"]

# Golden clips are stored as 16-bit samples, like the files they come from.
FULL_SCALE = 32768
READERS = 2


@dataclass(frozen=True)
class Detector(ClipScorer):
    """Tells how anomalous a machine's sound is.

    ``fit`` trains one and ``load`` reads one from a bundle; ``score`` and ``decide`` use it,
    ``save`` writes it.
    """

    info: BundleInfo
    model: Model
    golden: tuple[NDArray[np.int16], ...]
    replay: Replay = field(default_factory=Replay)
    graph: bytes | None = None

    @classmethod
    def fit(
        cls,
        data: str | Path | Manifest,
        machine: str | Machine,
        *,
        recipe: str | Path | Recipe = "small",
        seed: int = 0,
        outliers: str | Path | Manifest | None = None,
        device: str = "auto",
    ) -> Detector:
        """Train a detector for one machine.

        ``data`` is a folder or CSV of recordings, or a manifest: it holds the machine's normal
        clips and, as a rule, other machines', which serve as outliers; ``outliers`` names others.
        Raises ``DataError`` where there are too few normal clips and ``ClipError`` where one of
        them cannot be read.
        """
        from rattle.detector.fit import FitJob, fit

        return fit(
            FitJob(
                clips=_manifest(data, load_manifest),
                machine=machine if isinstance(machine, Machine) else Machine.parse(machine),
                recipe=recipe if isinstance(recipe, Recipe) else Recipe.load(recipe),
                seed=seed,
                outliers=None if outliers is None else _manifest(outliers, load_outliers),
                device=device,
            )
        )

    @classmethod
    def load(cls, path: str | Path, *, device: str = "auto") -> Detector:
        """Read a bundle; ``BundleError`` where it is damaged or of another version."""
        bundle = read_bundle(Path(path))
        recipe = bundle.info.recipe
        restore = TrainedNetwork.restored if recipe.baseline is None else restore_baseline
        try:
            model = restore(recipe, bundle.weights, place(device, recipe.training.precision))
            replay = Replay.of_arrays(bundle.replay)
        except ValueError as error:
            raise BundleError(f"{path}: {error}") from None
        golden = tuple(bundle.golden[name] for name in sorted(bundle.golden))
        kinds = {(clip.dtype.name, clip.ndim, clip.size > 0) for clip in golden}
        if len(golden) != len(bundle.info.golden) or kinds - {("int16", 1, True)}:
            raise BundleError(f"{path}: its stored clips are not those that it states scores of")
        return cls(bundle.info, model, golden, replay, bundle.graph)

    def save(self, path: str | Path) -> None:
        """Write the bundle: beside, then renamed."""
        write_bundle(self.bundle(), Path(path))

    def bundle(self) -> Bundle:
        """What ``save`` writes."""
        golden = {f"clip{index:02}": samples for index, samples in enumerate(self.golden)}
        return Bundle(self.info, self.model.arrays(), golden, self.replay.arrays(), self.graph)

    def with_graph(self) -> Detector:
        """This detector with the ONNX graph that scores without torch (see ``Scorer``).

        Raises ``BundleError`` for a baseline, and where the graph does not score the golden clips
        as stated.
        """
        from rattle.detector.export import export

        return replace(self, graph=export(self))

    def adapt(
        self,
        anomalies: Sequence[str | Path],
        *,
        normals: Sequence[str | Path] = (),
        data: str | Path | Manifest | None = None,
        seed: int | None = None,
        device: str = "auto",
    ) -> Detector:
        """A detector that has also learnt from these clips of its machine (section IV-C).

        ``anomalies`` and ``normals`` are recordings or folders of them, labelled by someone who
        listened. ``data`` holds the recordings that this detector was trained on; without it the
        replay set in the bundle stands for them. Raises ``DataError`` where neither is there,
        ``ClipError`` where a clip cannot be read.
        """
        from rattle.clips.labelled import labelled_clips
        from rattle.detector.adapt import AdaptJob, adapt
        from rattle.detector.fit import Recordings

        job = AdaptJob(
            parent=self,
            anomalies=labelled_clips(map(Path, anomalies), self.machine, "anomaly"),
            normals=labelled_clips(map(Path, normals), self.machine, "normal"),
            recordings=None if data is None else Recordings(_manifest(data, load_manifest)),
            seed=self.info.provenance.seed if seed is None else seed,
            device=device,
        )
        return adapt(job)

    @cached_property
    def front_end(self) -> FrontEnd:
        """Reads clips as the recipe says."""
        return FrontEnd(self.recipe.audio, self.recipe.features)

    def parts(self, samples: NDArray[np.float32]) -> ClipParts:
        """What the model says of each window of mono ``samples [T]`` at the recipe's rate."""
        return self.model.parts(self.log_mel(samples))

    def log_mel(self, clip: Recording) -> NDArray[np.float32]:
        """What the model sees of a clip: its log-mel ``[frames, bands]`` in dB."""
        statistics = Amplitude(self.info.amplitude.mean, self.info.amplitude.deviation)
        return self.front_end.log_mel(self.samples(clip), statistics)

    def verify(self) -> float:
        """Score the golden clips again: the largest difference from what the bundle states."""
        again = self.score(as_samples(self.golden))
        pairs = zip(again, self.info.golden, strict=True)
        return max((abs(clip.score - stated.score) for clip, stated in pairs), default=0.0)

    def parts_of_each(self, clips: Iterable[Recording]) -> Iterator[NamedParts]:
        for name, samples in map_ahead(self._read, clips, READERS):
            if isinstance(samples, ClipError):
                yield name, samples
            else:
                yield name, self.parts(samples)

    def _read(self, clip: Recording) -> tuple[str, NDArray[np.float32] | ClipError]:
        try:
            return name_of(clip), self.samples(clip)
        except ClipError as error:
            return name_of(clip), error


def as_samples(stored: Iterable[NDArray[np.int16]]) -> list[Recording]:
    """Stored 16-bit clips as the samples they stand for."""
    return [samples.astype(np.float32) / np.float32(FULL_SCALE) for samples in stored]


def _manifest(source: str | Path | Manifest, load: Callable[[Path], Manifest]) -> Manifest:
    return source if isinstance(source, Manifest) else load(Path(source))
