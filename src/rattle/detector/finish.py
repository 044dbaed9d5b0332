"""Make a detector of what a job prepared: train, calibrate, seal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from rattle.baselines import fit_baseline
from rattle.bundle.schema import BundleInfo, GoldenScore, HeldOut
from rattle.clips.pcm16 import from_16_bit
from rattle.detector.by_hash import replay_frames
from rattle.detector.calibrate import calibrate
from rattle.detector.detector import Detector
from rattle.detector.job import Job, Material, Watch
from rattle.learning.allocator import keep_freed_memory
from rattle.learning.checkpoint import Interruption
from rattle.learning.device import Placement, place
from rattle.learning.inference import TrainedNetwork
from rattle.learning.model import Model
from rattle.learning.train import train
from rattle.recipe import Recipe
from rattle.version import VERSION

NO_WATCH = Watch()


def make(job: Job, *, watch: Watch = NO_WATCH, checkpoint: Path | None = None) -> Detector:
    """Carry out a job. ``checkpoint`` is where the training's state is kept, and found again.

    Raises ``Interrupted`` after ``watch.stop_requested`` said so, and what ``job.material`` and the
    training raise.
    """
    keep_freed_memory()
    return finish(job, job.material(watch), watch=watch, checkpoint=checkpoint)


def finish(job: Job, material: Material, *, watch: Watch, checkpoint: Path | None) -> Detector:
    """Train on what was prepared, fit the scale, choose alpha, state the golden clips' scores.

    Scale and threshold come from held-out normals (and the scale's upper end from outliers).
    Raises ``TrainingError`` where the model diverged.
    """
    recipe, source = job.recipe, material.source
    placement = place(job.device, recipe.training.precision)
    interruption = Interruption(checkpoint, material.provenance.data_hash, watch.stop_requested)
    model = _trained(recipe, material, placement, interruption, watch)
    calibration = calibrate(
        model, material.held_out, source.outliers, material.labelled, default=material.alpha
    )
    info = BundleInfo(
        machine=str(job.machine),
        recipe=recipe,
        amplitude=material.amplitude,
        alpha=calibration.alpha.value,
        alpha_origin=calibration.alpha.origin,
        scale=calibration.scale,
        held_out=tuple(HeldOut(gap=gap, distance=d) for gap, d in calibration.held_out.rows()),
        golden=(),
        provenance=material.provenance.model_copy(update=made_here()),
    )
    replay = material.replay.bounded(recipe.adaptation.replay_clips, replay_frames(recipe))
    return _sealed(Detector(info, model, material.golden, replay))


def made_here() -> dict[str, str]:
    """Say when and by which versions a detector was made, as ``Provenance`` keeps it."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "rattle": VERSION,
        "torch": torch.__version__,
    }


def _trained(
    recipe: Recipe,
    material: Material,
    placement: Placement,
    interruption: Interruption,
    watch: Watch,
) -> Model:
    source = material.source
    if material.start is None:
        return fit_baseline(
            source.normals, recipe, source.seed, placement, interruption, watch.on_step
        )
    network, fixed = material.start(placement)
    pair = train(
        network, source, material.training, placement, interruption, watch.on_step, fixed=fixed
    )
    centroid = None if pair is None else pair.normal
    return TrainedNetwork.of(recipe, network, centroid, placement)


def _sealed(detector: Detector) -> Detector:
    """State the scores of its golden clips."""
    stated = tuple(
        GoldenScore(score=clip.score, posterior=clip.posterior, distance=clip.distance)
        for clip in detector.score([from_16_bit(samples) for samples in detector.golden])
    )
    return replace(detector, info=detector.info.model_copy(update={"golden": stated}))
