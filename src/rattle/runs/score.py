"""Score a model's test clips and leave the outcome in its run folder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from rattle.clips.clip import Clip
from rattle.clips.manifest import Manifest
from rattle.detector import Detector
from rattle.errors import DataError, TrainingError
from rattle.features.sieve import Sieve
from rattle.features.store import FeatureStore
from rattle.learning.inference import TrainedNetwork
from rattle.runs.folder import RunFolder
from rattle.runs.outcome import Outcome, Way, outcome_clip, write_embeddings
from rattle.runs.run import Run

_log = logging.getLogger(__name__)


def leave_outcome(
    folder: RunFolder,
    detector: Detector,
    clips: Manifest,
    *,
    anomalies: int = 0,
    drawn: Sequence[Clip] = (),
    way: Way | None = "encoder",
    seconds: float = 0.0,
    on_clip: Callable[[], None] = lambda: None,
) -> Outcome:
    """Score the machine's test clips; write their embeddings and the outcome to ``folder``.

    Clips that the detector learnt from are left out, but for the anomalies drawn. ``way`` says by
    what it learnt from these (``Outcome``). ``on_clip`` is called for each clip whose features
    were computed and for each one scored.

    Raises ``ClipError`` for a clip that cannot be read and ``TrainingError`` where the model's
    figures are not finite.
    """
    info, recipe, model = detector.info, detector.recipe, detector.model
    store = FeatureStore.of(recipe)
    test = _test_clips(detector, clips, store)
    features = store.pack(test, info.amplitude, on_clip)
    scored, embeddings = [], []
    for clip, rows in zip(test, features, strict=True):
        if isinstance(model, TrainedNetwork):
            parts, embedding = model.parts_and_embedding(rows)
            embeddings.append(embedding)
        else:
            parts = model.parts(rows)
        if not parts.is_finite:
            raise TrainingError(
                f"the model of {detector.machine} gives {clip.path} a figure that is not finite; "
                "lower the learning rates in the recipe and train again"
            )
        scored.append(outcome_clip(clip, parts))
        on_clip()
    if embeddings:
        write_embeddings(folder.embeddings, np.stack(embeddings))
    mix = detector.mix()
    outcome = Outcome(
        method=recipe.method,
        machine=str(detector.machine),
        seed=info.provenance.seed,
        anomalies=anomalies,
        recipe=recipe.name,
        network="" if recipe.baseline else recipe.network.name,
        alpha=mix.alpha,
        low=mix.scale.low,
        high=mix.scale.high,
        threshold=detector.threshold.value,
        drawn=tuple(clip.content_hash for clip in drawn),
        clips=tuple(scored),
        seconds=round(seconds, 3),
        way=way,
    )
    outcome.write(folder.outcome)
    return outcome


def with_outcome(run: Run, clips: Manifest) -> Run:
    """Score the run's machine's test clips among ``clips``, where that has not been done.

    The outcome is kept in ``run.scored``, from where it is taken the next time, without audio and
    for the same clips also here. A run that brought its outcome, or has no model, stays as it is.
    Anomalies that the model learnt from count as drawn: they are in no figure. Raises
    ``DataError`` where no test clip is left and ``ClipError`` where one cannot be read.
    """
    if not run.finished or run.scored == run.folder:
        return run
    detector = Detector.load(run.folder.bundle)
    origin = detector.info.provenance
    fresh = _test_clips(detector, clips, FeatureStore.of(detector.recipe))
    if not len(fresh):
        raise DataError(f"{run.folder.bundle}: the data hold no test clip of {run.machine} for it")
    known = run.outcome.clips if run.outcome else ()
    if {clip.content_hash for clip in known} == set(fresh.hashes()):
        return run
    drawn = [clip for clip in fresh if clip.content_hash in origin.anomalies]
    outcome = leave_outcome(
        run.scored,
        detector,
        clips,
        anomalies=len(origin.anomalies),
        drawn=drawn,
        way=run.way,
    )
    return replace(run, outcome=outcome)


def _test_clips(detector: Detector, clips: Manifest, store: FeatureStore) -> Manifest:
    """Choose the machine's test clips that are fit and that the detector learnt nothing from.

    A warning is logged that names those that are not fit.
    """
    origin, sieve = detector.info.provenance, Sieve(store)
    seen = [*origin.trained, *origin.held_out, *origin.validation]
    test = clips.of(detector.machine, split="test").called_as(origin.used)
    fit = sieve.fit(test.without_content(seen))
    if sieve.unfit:
        _log.warning("%s: %s", detector.machine, sieve.unfit)
    return fit
