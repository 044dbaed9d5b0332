"""Make detectors of what a job prepared: train, calibrate, seal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from rattle.allocator import keep_freed_memory
from rattle.baselines import fit_baseline
from rattle.bundle.known import MOST_CLIPS, WINDOWS_A_CLIP, Embeddings, Known, KnownClip, Named
from rattle.bundle.replay import replay_frames
from rattle.bundle.schema import BundleInfo, GoldenScore, HeldOut
from rattle.detector.calibrate import Calibration, calibrate
from rattle.detector.detector import Detector
from rattle.detector.job import Job, Material, Share, Start, Watch
from rattle.diagnosis.reference import Reference
from rattle.features.views import Rows
from rattle.learning.batches import ClipFeatures, Source, let_go
from rattle.learning.checkpoint import Interruption
from rattle.learning.device import Placement, place
from rattle.learning.inference import TrainedNetwork, embed, head_of
from rattle.learning.losses import CentroidPair
from rattle.learning.model import Model
from rattle.learning.train import train
from rattle.recipe import Recipe
from rattle.runtime.refit import refit
from rattle.scoring.clip import AveragedParts, ClipParts, Embedded
from rattle.scoring.head import Head, centre_windows, evenly, nearest_of
from rattle.scoring.head_fit import fit_posterior
from rattle.scoring.windows import several_windows
from rattle.version import VERSION

# Outlier clips that the fixed scale's upper end is measured on.
SCALE_OUTLIERS = 64
# Clips of a machine by whose embeddings it is known.
KNOWN_CLIPS = MOST_CLIPS
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
        yield _sealed(material.recipe, share, of_share, calibration)
        let_go([*material.source.groups, share.held_out])


@dataclass(frozen=True)
class Measured:
    """A machine's model, and what it says of the clips that calibration takes."""

    model: Model
    held_out: Iterable[ClipParts]
    outliers: Iterable[ClipParts]
    labelled: Iterable[tuple[ClipParts, bool]]
    silenced: Iterable[ClipParts] = ()
    known: Known = field(default_factory=Known)


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
        pair = train(
            network,
            source,
            training,
            placement,
            interruption,
            watch.on_step,
            fixed=fixed,
            part=material.part,
        )
    placement.network(network).eval()
    heard = Heard(network.encoder, source, recipe, placement)
    for share in material.shares:
        normals = heard.normals(share)
        head = head_of(network, share.head, heard.centres(share, normals, pair), recipe)
        others = heard.of_outliers(share, SCALE_OUTLIERS)
        if training is None and head.weight is not None:
            outliers = heard.of_outliers(share, FITTED_OUTLIERS * len(share.outliers))
            weight, bias = fit_posterior(_embeddings(normals), _embeddings(outliers))
            head = replace(head, weight=weight, bias=bias)
        held_out = [heard.clip(clip) for clip in share.held_out]
        known = heard.known(share, head, normals, held_out, others)
        if recipe.is_shared and (share.anomalies or share.silenced):
            # What people said counts in a head as it does where the head alone learns from it.
            head = refit(head, known, recipe, share.alpha.value, share.silenced).head
        model = TrainedNetwork(recipe, network.encoder, head, placement)
        yield Measured(
            model,
            (head.parts(clip.start_s, clip.z) for clip in held_out),
            (head.parts(clip.start_s, clip.z) for clip in others),
            ((model.parts(clip), is_anomaly) for clip, is_anomaly in share.labelled),
            map(model.parts, share.silenced.values()),
            known,
        )


@dataclass(frozen=True)
class Heard:
    """What a trained encoder makes of the clips that it was trained on."""

    encoder: nn.Module
    source: Source
    recipe: Recipe
    placement: Placement

    def clip(self, rows: Rows) -> Embedded:
        """Embed the windows by which a clip is scored."""
        return embed(self.encoder, rows, self.recipe, self.placement)

    def of_outliers(self, share: Share, most: int) -> list[Embedded]:
        """Embed some of a share's outliers, evenly over their groups, so that none counts alone."""
        each = -(-most // len(share.outliers))
        return [clip for group in share.outliers for clip in self._sample(group, each)]

    def normals(self, share: Share) -> list[Embedded]:
        """Embed the clips by which a machine is known, as many as ``_known`` says.

        In more windows than are scored where the nearest of them counts.
        """
        if not self.recipe.measures_nearest:
            return self._sample(share.group, KNOWN_CLIPS)
        clips = [self.source.groups[share.group][clip] for clip in self._known(share.group)]
        count = centre_windows(len(clips), self.recipe)
        with self.placement.sparing_a_core(self.recipe.sees_spectrum):
            return [
                embed(
                    self.encoder,
                    clip,
                    self.recipe,
                    self.placement,
                    several_windows(len(clip), self.recipe, count),
                )
                for clip in clips
            ]

    def centres(
        self, share: Share, normals: Sequence[Embedded], pair: CentroidPair | None
    ) -> NDArray[np.float32] | None:
        """Choose what d is measured from ``[K, D]``; None for BCE alone.

        Training normals of which the nearest counts, c_p of the trained ``pair``, or for a head
        that was not trained the normals' mean.
        """
        if self.recipe.measures_nearest:
            return nearest_of(_embeddings(normals))
        if pair is not None:
            return np.array(pair.normal[share.head : share.head + 1].detach().cpu().numpy())
        if self.recipe.has_distance:
            mean = _embeddings(normals).mean(axis=0, keepdims=True)
            return np.asarray(mean, dtype=np.float32)
        return None

    def known(
        self,
        share: Share,
        head: Head,
        normals: Sequence[Embedded],
        held_out: Sequence[Embedded],
        outliers: Sequence[Embedded],
    ) -> Known:
        """Put together what a bundle keeps of the clips that its head was fitted to."""
        trained = [share.trained[clip] for clip in self._known(share.group)]
        return Known(
            normals=_known_clips(trained, normals),
            held_out=_known_clips(share.kept, held_out),
            anomalies=_known_clips(
                [name for name, _ in share.anomalies],
                [self.clip(rows) for _, rows in share.anomalies],
            ),
            outliers=np.concatenate(
                [clip.z[evenly(len(clip.z), WINDOWS_A_CLIP)] for clip in outliers]
            ),
            start={name: of for name, of in head.arrays().items() if name != "centres"},
        ).bounded()

    def _sample(self, group: int, most: int) -> list[Embedded]:
        """Embed some clips of a group, the same ones for whoever asks, so that few are embedded."""
        clips = self._known(group)
        with self.placement.sparing_a_core(self.recipe.sees_spectrum):
            return [self._embedded(group, clips[place]) for place in evenly(len(clips), most)]

    def _known(self, group: int) -> list[int]:
        return evenly(len(self.source.groups[group]), KNOWN_CLIPS)

    @cached_property
    def _embedded(self) -> Callable[[int, int], Embedded]:
        # Of a fleet each clip is asked for by many machines.
        return cache(lambda group, clip: self.clip(self.source.groups[group][clip]))


def _embeddings(clips: Iterable[Embedded]) -> Embeddings:
    return np.concatenate([clip.z for clip in clips])


def _known_clips(names: Sequence[Named], clips: Sequence[Embedded]) -> tuple[KnownClip, ...]:
    pairs = zip(names, clips, strict=True)
    return tuple(KnownClip(name, clip.z).shortened() for name, clip in pairs)


def _some_of_each(groups: Sequence[ClipFeatures]) -> Iterator[Rows]:
    # Evenly over the outlier machines, so that none sets the scale alone.
    count = -(-SCALE_OUTLIERS // len(groups))
    return (clips[i] for clips in groups for i in range(min(count, len(clips))))


def made_here() -> dict[str, str]:
    """Say when and by which versions a detector was made, as ``Provenance`` keeps it."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "rattle": VERSION,
        "torch": torch.__version__,
    }


def _reference(recipe: Recipe, share: Share) -> Reference | None:
    """Measure the healthy clips, to tell later what differs in another."""
    sounds = list(share.healthy())
    if share.older is not None:
        return share.older.joined_by(sounds, share.unhealthy())
    return Reference.of(sounds, recipe.audio.sample_rate_hz) if sounds else None


def _sealed(recipe: Recipe, share: Share, measured: Measured, calibration: Calibration) -> Detector:
    """Put a detector together and state the scores of its golden clips."""
    info = BundleInfo(
        machine=str(share.machine),
        recipe=recipe,
        amplitude=share.amplitude,
        alpha=calibration.alpha.value,
        alpha_origin=calibration.alpha.origin,
        scale=calibration.scale,
        held_out=HeldOut.of_each(calibration.held_out),
        silenced=HeldOut.of_each(AveragedParts.of(measured.silenced)),
        golden=(),
        recorder=share.recorder,
        provenance=share.provenance.model_copy(
            update={**made_here(), "silenced": tuple(share.silenced)}
        ),
    )
    replay = share.replay.bounded(recipe.adaptation.replay_clips, replay_frames(recipe))
    detector = Detector(
        info,
        measured.model,
        share.golden,
        measured.known,
        replay,
        _reference(recipe, share),
        share.graph,
    )
    stated = tuple(
        GoldenScore(score=clip.score, posterior=clip.posterior, distance=clip.distance)
        for clip in detector.golden_scores()
    )
    return replace(detector, info=info.model_copy(update={"golden": stated}))
