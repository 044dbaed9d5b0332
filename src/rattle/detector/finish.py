"""Make detectors of what a job prepared: train, calibrate, seal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from rattle.allocator import keep_freed_memory
from rattle.baselines import fit_baseline
from rattle.bundle.schema import BundleInfo, GoldenScore, HeldOut
from rattle.clips.pcm16 import from_16_bit
from rattle.detector.by_hash import replay_frames
from rattle.detector.calibrate import Calibration, calibrate
from rattle.detector.detector import Detector
from rattle.detector.job import Job, Material, Share, Start, Watch
from rattle.features.views import Rows
from rattle.learning.batches import ClipFeatures, Source, let_go
from rattle.learning.checkpoint import Interruption
from rattle.learning.device import Placement, place
from rattle.learning.head_fit import fit_head
from rattle.learning.inference import Embedded, TrainedNetwork, embed, head_of
from rattle.learning.losses import CentroidPair
from rattle.learning.model import Model
from rattle.learning.train import train
from rattle.recipe import Recipe
from rattle.scoring.clip import ClipParts
from rattle.scoring.windows import several_windows
from rattle.version import VERSION

# Outlier clips that the fixed scale's upper end is measured on.
SCALE_OUTLIERS = 64
# Clips of a machine by whose embeddings it is known.
KNOWN_CLIPS = 128
# Embeddings that a new sound is measured from, where the nearest counts, and windows of a clip that
# give them: more than are scored, since one place in a clip is not like another.
CENTRES, CENTRE_WINDOWS = 256, 3
# Clips of each outlier machine that a head is fitted to, where the encoder stays as it is.
FITTED_OUTLIERS = 32
NO_WATCH = Watch()


def make(
    job: Job, *, watch: Watch = NO_WATCH, checkpoint: Path | None = None
) -> tuple[Detector, ...]:
    """Carry out a job: a detector of each of its machines.

    ``checkpoint`` is where the training's state is kept, and found again. Raises ``Interrupted``
    after ``watch.stop_requested`` said so, and what ``job.material`` and the training raise.
    """
    return tuple(finish(job, job.material(watch), watch=watch, checkpoint=checkpoint))


def finish(
    job: Job, material: Material, *, watch: Watch, checkpoint: Path | None
) -> Iterator[Detector]:
    """Train on what was prepared and, for each machine, fit the scale, choose alpha, seal.

    One detector after the other: of a large fleet all together would take gigabytes. Scale and
    threshold come from held-out normals (and the scale's upper end from outliers). Raises
    ``TrainingError`` where the model diverged.
    """
    keep_freed_memory()
    placement = place(job.device, material.recipe.training.precision)
    interruption = Interruption(checkpoint, material.identity, watch.stop_requested)
    measured = (
        _baseline(material, placement, interruption, watch)
        if material.start is None
        else _networks(material, material.start, placement, interruption, watch)
    )
    for share, of_share in zip(material.shares, measured, strict=True):
        calibration = calibrate(
            of_share.held_out, of_share.outliers, of_share.labelled, default=share.alpha
        )
        yield _sealed(material.recipe, share, of_share.model, calibration)
        let_go([*material.source.groups, share.held_out])


@dataclass(frozen=True)
class Measured:
    """A machine's model, and what it says of the clips that calibration takes."""

    model: Model
    held_out: Iterable[ClipParts]
    outliers: Iterable[ClipParts]
    labelled: Iterable[tuple[ClipParts, bool]]


def _baseline(
    material: Material, placement: Placement, interruption: Interruption, watch: Watch
) -> Iterator[Measured]:
    groups = material.source.groups
    for share in material.shares:
        model = fit_baseline(
            groups[share.group],
            material.recipe,
            material.source.seed,
            placement,
            interruption,
            watch.on_step,
        )
        yield Measured(
            model,
            map(model.parts, share.held_out),
            map(model.parts, _some_of_each([groups[g] for g in share.outliers])),
            ((model.parts(clip), is_anomaly) for clip, is_anomaly in share.labelled),
        )


def _networks(
    material: Material,
    start: Callable[[Placement], Start],
    placement: Placement,
    interruption: Interruption,
    watch: Watch,
) -> Iterator[Measured]:
    recipe, source, training = material.recipe, material.source, material.training
    network, fixed = start(placement)
    pair = None
    if training is not None:
        pair = train(network, source, training, placement, interruption, watch.on_step, fixed=fixed)
    placement.network(network).eval()
    heard = Heard(network.encoder, source, recipe, placement)
    for share in material.shares:
        # Evenly over the outlier machines, so that none sets the scale alone.
        each = -(-SCALE_OUTLIERS // len(share.outliers))
        others = [clip for group in share.outliers for clip in heard.sample(group, each)]
        head = head_of(network, share.head, heard.centres(share, pair), recipe)
        if training is None and head.weight is not None:
            outliers = [clip for of in share.outliers for clip in heard.sample(of, FITTED_OUTLIERS)]
            own = heard.sample(share.group)
            weight, bias = fit_head(_embeddings(own), _embeddings(outliers))
            head = replace(head, weight=weight, bias=bias)
        model = TrainedNetwork(recipe, network.encoder, head, placement)
        yield Measured(
            model,
            map(model.parts, share.held_out),
            (head.parts(clip.start_s, clip.z) for clip in others),
            ((model.parts(clip), is_anomaly) for clip, is_anomaly in share.labelled),
        )


@dataclass(frozen=True)
class Heard:
    """What a trained encoder makes of the clips that it was trained on."""

    encoder: nn.Module
    source: Source
    recipe: Recipe
    placement: Placement

    def sample(self, group: int, most: int = KNOWN_CLIPS) -> list[Embedded]:
        """Embed some clips of a group, the same ones for whoever asks, so that few are embedded."""
        clips = self._known(group)
        with self.placement.sparing_a_core(self.recipe.sees_spectrum):
            return [self._embedded(group, clips[place]) for place in _evenly(len(clips), most)]

    def centres(self, share: Share, pair: CentroidPair | None) -> NDArray[np.float32] | None:
        """Choose what d is measured from ``[K, D]``; None for BCE alone.

        Training normals of which the nearest counts, c_p of the trained ``pair``, or for a head
        that was not trained the normals' mean.
        """
        if self.recipe.measures_nearest:
            normals = self._windows(share.group)
            return normals[_evenly(len(normals), CENTRES)]
        if pair is not None:
            return np.array(pair.normal[share.head : share.head + 1].detach().cpu().numpy())
        if self.recipe.has_distance:
            mean = _embeddings(self.sample(share.group)).mean(axis=0, keepdims=True)
            return np.asarray(mean, dtype=np.float32)
        return None

    def _windows(self, group: int) -> NDArray[np.float32]:
        clips = [self.source.groups[group][clip] for clip in self._known(group)]
        count = max(min(-(-CENTRES // len(clips)), CENTRE_WINDOWS), self.recipe.scoring.windows)
        with self.placement.sparing_a_core(self.recipe.sees_spectrum):
            return _embeddings(
                embed(
                    self.encoder,
                    clip,
                    self.recipe,
                    self.placement,
                    several_windows(len(clip), self.recipe, count),
                )
                for clip in clips
            )

    def _known(self, group: int) -> list[int]:
        return _evenly(len(self.source.groups[group]), KNOWN_CLIPS)

    @cached_property
    def _embedded(self) -> Callable[[int, int], Embedded]:
        # Of a fleet each clip is asked for by many machines.
        return cache(
            lambda group, clip: embed(
                self.encoder, self.source.groups[group][clip], self.recipe, self.placement
            )
        )


def _embeddings(clips: Iterable[Embedded]) -> NDArray[np.float32]:
    return np.concatenate([clip.z for clip in clips])


def _some_of_each(groups: Sequence[ClipFeatures]) -> Iterator[Rows]:
    # Evenly over the outlier machines, so that none sets the scale alone.
    count = -(-SCALE_OUTLIERS // len(groups))
    return (clips[i] for clips in groups for i in range(min(count, len(clips))))


def _evenly(count: int, most: int) -> list[int]:
    """Choose at most so many places of ``count``, evenly spread."""
    return [int(place) for place in np.unique(np.linspace(0, count - 1, most).round())]


def made_here() -> dict[str, str]:
    """Say when and by which versions a detector was made, as ``Provenance`` keeps it."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "rattle": VERSION,
        "torch": torch.__version__,
    }


def _sealed(recipe: Recipe, share: Share, model: Model, calibration: Calibration) -> Detector:
    """Put a detector together and state the scores of its golden clips."""
    info = BundleInfo(
        machine=str(share.machine),
        recipe=recipe,
        amplitude=share.amplitude,
        alpha=calibration.alpha.value,
        alpha_origin=calibration.alpha.origin,
        scale=calibration.scale,
        held_out=tuple(HeldOut(gap=gap, distance=d) for gap, d in calibration.held_out.rows()),
        golden=(),
        provenance=share.provenance.model_copy(update=made_here()),
    )
    replay = share.replay.bounded(recipe.adaptation.replay_clips, replay_frames(recipe))
    detector = Detector(info, model, share.golden, replay, share.graph)
    stated = tuple(
        GoldenScore(score=clip.score, posterior=clip.posterior, distance=clip.distance)
        for clip in detector.score([from_16_bit(samples) for samples in detector.golden])
    )
    return replace(detector, info=info.model_copy(update={"golden": stated}))
