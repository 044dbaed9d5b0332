"""Make detectors of what a job prepared: train, calibrate, seal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from rattle.allocator import keep_freed_memory
from rattle.bundle.replay import replay_frames
from rattle.bundle.schema import BundleInfo, CrossFitted, GoldenScore, HeldOut
from rattle.detector.calibrate import Calibration, calibrate
from rattle.detector.cross_fit import cross_fit
from rattle.detector.detector import Detector
from rattle.detector.job import Job, Material, Share, Watch
from rattle.detector.measure import Measured, measured
from rattle.diagnosis.reference import Reference
from rattle.learning.batches import let_go
from rattle.learning.checkpoint import Interruption
from rattle.learning.device import place
from rattle.recipe import Recipe
from rattle.scoring.clip import AveragedParts
from rattle.version import VERSION

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
    crossed = cross_fit(job, material.identity, watch, checkpoint)
    models = measured(material, placement, interruption, watch)
    for share, of_share in zip(material.shares, models, strict=True):
        calibration = calibrate(
            of_share.held_out, of_share.outliers, of_share.labelled, default=share.alpha
        )
        others = [one.on(calibration.scale) for one in crossed[share.machine]]
        yield _sealed(
            material.recipe, share, of_share, calibration, others or list(of_share.crossed)
        )
        let_go([*material.source.groups, share.held_out])


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


def _sealed(
    recipe: Recipe,
    share: Share,
    measured: Measured,
    calibration: Calibration,
    crossed: Sequence[CrossFitted],
) -> Detector:
    """Put a detector together and state the scores of its golden clips."""
    info = BundleInfo(
        machine=str(share.machine),
        recipe=recipe,
        amplitude=share.amplitude,
        alpha=calibration.alpha.value,
        alpha_origin=calibration.alpha.origin,
        scale=calibration.scale,
        held_out=HeldOut.of_each(calibration.held_out),
        cross_fitted=tuple(crossed),
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
