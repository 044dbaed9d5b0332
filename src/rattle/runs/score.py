"""Scores the test clips of runs that left no outcome: those of rattle train and rattle adapt."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from rattle.clips.manifest import Manifest
from rattle.detector import Detector
from rattle.errors import DataError
from rattle.experiments.task import leave_outcome
from rattle.runs.run import Run


def with_outcome(run: Run, clips: Manifest) -> Run:
    """The run with its machine's test clips among ``clips`` scored.

    The outcome is kept in ``run.scored``, from where it is taken the next time, without audio and
    for the same clips also here. A run that brought its outcome, or has no model, stays as it is.
    Anomalies that the model learnt from count as drawn: they are in no figure. Raises
    ``DataError`` where no test clip is left and ``ClipError`` where one cannot be read.
    """
    if not run.finished or run.scored == run.place.folder:
        return run
    detector = Detector.load(run.place.bundle)
    origin = detector.info.provenance
    test = clips.of(run.machine, split="test")
    seen = [*origin.trained, *origin.held_out, *origin.validation]
    fresh = Manifest(test.table.filter(~pl.col("content_hash").is_in(seen)))
    if not len(fresh):
        raise DataError(f"{run.place.bundle}: the data hold no test clip of {run.machine} for it")
    known = run.outcome.clips if run.outcome else ()
    if {clip.content_hash for clip in known} == set(fresh.table["content_hash"]):
        return run
    drawn = [clip for clip in fresh if clip.content_hash in origin.anomalies]
    outcome = leave_outcome(
        run.scored, detector, clips, anomalies=len(origin.anomalies), drawn=drawn
    )
    return replace(run, outcome=outcome)
