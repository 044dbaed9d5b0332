"""Rehearse every machine of an evaluation, while a line tells how far it is."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from rattle.cli.terminal.counting import Counting
from rattle.clips.machine import Machine
from rattle.detector import Detector
from rattle.errors import BundleError, ClipError
from rattle.evaluation.scored import by_machine
from rattle.runtime.clip_scorer import Recording
from rattle.runtime.healthy import MOST_CLIPS, stored_clips
from rattle.runtime.rehearsal import Rehearsal, rehearse
from rattle.scoring.head import evenly


def rehearsed(
    detectors: Sequence[Detector], scored: pl.DataFrame
) -> tuple[dict[Machine, Rehearsal], list[str]]:
    """Rehearse the machines of scored clips, and say of which that was not possible, and why.

    Faults are laid over a machine's clips that are labelled normal; where there are none, over
    those that its bundle keeps.
    """
    clips_of = dict(by_machine(scored))
    rehearsals, notes = {}, []
    for detector in detectors:
        if detector.machine not in clips_of:
            continue
        normals = clips_of[detector.machine].filter(pl.col("label") == "normal")["path"].to_list()
        clips: list[Recording] = [normals[place] for place in evenly(len(normals), MOST_CLIPS)]
        try:
            clips = clips or [*stored_clips(detector)]
            with Counting(f"{detector.machine}: clips with a synthetic fault") as counting:
                rehearsals[detector.machine] = rehearse(detector, clips, on_scored=counting.on_done)
        except (BundleError, ClipError) as error:
            notes.append(f"{detector.machine} is not rehearsed: {error}")
    return rehearsals, notes
