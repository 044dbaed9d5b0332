"""The detector: a trained network with all that turns a recording into a score and a decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rattle.ahead import in_order
from rattle.baselines import restore_baseline
from rattle.bundle import Bundle, BundleInfo, read_bundle, write_bundle
from rattle.clips.layouts import load_manifest, load_outliers
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.clips.reading import holds_samples
from rattle.errors import BundleError, ClipError
from rattle.features.amplitude import Amplitude
from rattle.features.front_end import FrontEnd
from rattle.learning.device import place
from rattle.learning.inference import TrainedNetwork
from rattle.learning.model import Model
from rattle.learning.replay import Replay
from rattle.recipe import Recipe
from rattle.scoring.clip import ClipParts, ClipScore, Mix, clip_score
from rattle.scoring.score import Scale, anomaly_score
from rattle.scoring.threshold import Threshold, fit_threshold

__all__ = ["ClipScore", "Detector", "Unscored"]

ScaleName = Literal["fixed", "paper"]
Recording = str | Path | NDArray[np.float32]
# Golden clips are stored as 16-bit samples, like the files they come from.
FULL_SCALE = 32768
READERS = 2


@dataclass(frozen=True)
class Unscored:
    """A clip that could not be scored, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Detector:
    """Tells how anomalous a machine's sound is.

    ``fit`` trains one and ``load`` reads one from a bundle; ``score`` and ``decide`` use it,
    ``save`` writes it.
    """

    info: BundleInfo
    model: Model
    golden: tuple[NDArray[np.int16], ...]
    replay: Replay = field(default_factory=Replay)

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
        from rattle.fitting import FitJob, fit

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
        return cls(bundle.info, model, golden, replay)

    def save(self, path: str | Path) -> None:
        """Write the bundle: beside, then renamed."""
        write_bundle(self.bundle(), Path(path))

    def bundle(self) -> Bundle:
        """What ``save`` writes."""
        golden = {f"clip{index:02}": samples for index, samples in enumerate(self.golden)}
        return Bundle(self.info, self.model.arrays(), golden, self.replay.arrays())

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
        from rattle.adapting import AdaptJob, adapt
        from rattle.clips.given import given_clips
        from rattle.fitting import Recordings

        job = AdaptJob(
            parent=self,
            anomalies=given_clips(map(Path, anomalies), self.machine, "anomaly"),
            normals=given_clips(map(Path, normals), self.machine, "normal"),
            recordings=None if data is None else Recordings(_manifest(data, load_manifest)),
            seed=self.info.provenance.seed if seed is None else seed,
            device=device,
        )
        return adapt(job)

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
        return self._threshold(self.mix())

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
        return self.front_end.log_mel(self._samples(clip), statistics)

    def score(self, clips: Sequence[Recording], *, scale: ScaleName = "fixed") -> list[ClipScore]:
        """The anomaly score of each clip (equation 5), in the order given.

        A clip is a file, or an array of mono samples at the recipe's rate. ``fixed`` scores do not
        depend on each other; ``paper`` scales the distance by its range over these clips. Raises
        ``ClipError`` at the first clip that cannot be read.
        """
        found = []
        for result in self.score_each(clips, scale=scale):
            if isinstance(result, Unscored):
                raise ClipError(result.reason)
            found.append(result)
        return found

    def score_each(
        self, clips: Iterable[Recording], *, scale: ScaleName = "fixed"
    ) -> Iterator[ClipScore | Unscored]:
        """As ``score``, one by one; a clip that cannot be read does not stop the rest."""
        scored: Iterable[tuple[str, ClipParts | ClipError]] = self._parts_of_each(clips)
        mix = self.mix()
        if scale == "paper":
            scored = list(scored)
            parts = [part for _, part in scored if isinstance(part, ClipParts)]
            distances = [part.distances for part in parts if part.distances is not None]
            if distances:
                mix = self.mix(Scale.spanning(np.concatenate(distances)))
        threshold = self._threshold(mix)
        for name, part in scored:
            if isinstance(part, ClipParts):
                yield clip_score(name, part, mix, threshold)
            else:
                yield Unscored(name, str(part))

    def decide(self, clips: Sequence[Recording]) -> list[bool]:
        """Whether each clip is anomalous: its score is above the threshold."""
        return [clip.anomalous for clip in self.score(clips)]

    def verify(self) -> float:
        """Score the golden clips again: the largest difference from what the bundle states."""
        again = self.score(as_samples(self.golden))
        pairs = zip(again, self.info.golden, strict=True)
        return max((abs(clip.score - stated.score) for clip, stated in pairs), default=0.0)

    def _parts_of_each(
        self, clips: Iterable[Recording]
    ) -> Iterator[tuple[str, ClipParts | ClipError]]:
        for name, samples in in_order(self._read, clips, READERS):
            if isinstance(samples, ClipError):
                yield name, samples
                continue
            parts = self.parts(samples)
            # NaN is above no threshold: it would pass for normal.
            yield name, parts if parts.is_finite else _without_figure(name)

    def _read(self, clip: Recording) -> tuple[str, NDArray[np.float32] | ClipError]:
        name = "samples" if isinstance(clip, np.ndarray) else str(clip)
        try:
            return name, self._samples(clip)
        except ClipError as error:
            return name, error

    def _samples(self, clip: Recording) -> NDArray[np.float32]:
        return _checked(clip) if isinstance(clip, np.ndarray) else self.front_end.read(clip)

    def mix(self, scale: Scale | None = None) -> Mix:
        """How a clip's parts become its score, with the fixed scale or the one given."""
        fixed = Scale(self.info.scale.low, self.info.scale.high)
        return Mix(self.info.alpha, scale or fixed, self.recipe.scoring.aggregate)

    def _threshold(self, mix: Mix) -> Threshold:
        gaps = [clip.gap for clip in self.info.held_out if clip.gap is not None]
        distances = [clip.distance for clip in self.info.held_out if clip.distance is not None]
        scores = anomaly_score(
            np.array(gaps) if gaps else None,
            mix.scale(np.array(distances)) if distances else None,
            mix.alpha,
        )
        return fit_threshold(scores, self.recipe.scoring.false_alarm_rate)


def _checked(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The samples as float32; ``ClipError`` for what would be scored without making sense."""
    if samples.ndim != 1 or not samples.size or samples.dtype.kind != "f":
        raise ClipError(
            f"an array of samples has shape {samples.shape} and type {samples.dtype}; expected "
            "one channel of floating-point samples, full scale at +-1"
        )
    if not holds_samples(samples):
        raise ClipError("an array of samples holds NaN, infinity or the like; leave it out")
    return np.ascontiguousarray(samples, dtype=np.float32)


def _without_figure(name: str) -> ClipError:
    return ClipError(
        f"{name}: what the model says of it is not a finite number; look at the recording with "
        "rattle check, and if others fail too, train the detector again"
    )


def as_samples(stored: Iterable[NDArray[np.int16]]) -> list[Recording]:
    """Stored 16-bit clips as the samples they stand for."""
    return [samples.astype(np.float32) / np.float32(FULL_SCALE) for samples in stored]


def _manifest(source: str | Path | Manifest, load: Callable[[Path], Manifest]) -> Manifest:
    return source if isinstance(source, Manifest) else load(Path(source))
