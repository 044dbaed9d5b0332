"""Gather healthy clips of a machine to try its detector on: stored ones, or recordings.

Clips that a detector was trained on score too well to show anything, so none of them is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rattle.bundle.given import given_clips
from rattle.bundle.replay import Replay, Rows
from rattle.bundle.schema import BundleInfo
from rattle.clips.excerpt import recording_of
from rattle.errors import BundleError, DataError
from rattle.scoring.head import evenly

Samples = NDArray[np.float32]

# As many as a bundle of the recipe fleet keeps: with them a trial of all faults takes ten seconds.
MOST_CLIPS = 24


class Keeps(Protocol):
    """What keeps healthy clips: a ``Bundle`` or a ``Detector``."""

    @property
    def info(self) -> BundleInfo: ...

    @property
    def replay(self) -> Replay: ...


def stored_clips(bundle: Keeps) -> list[Samples]:
    """Recover the sound of the held-out normals that a bundle keeps, ``[T]`` each.

    It is what the microphone heard, at the recipe's rate, but for the rounding to half precision;
    of long recordings it is the beginning. Raises ``BundleError`` where the bundle keeps no sound:
    a recipe that does not see spectra keeps log-mels alone.
    """
    info = bundle.info
    if not info.recipe.sees_spectrum or not bundle.replay.held_out:
        raise BundleError(
            f"the bundle of {info.machine} keeps no healthy sound to lay faults over; give healthy "
            "recordings of the machine that it was not trained on"
        )
    clips = list(bundle.replay.held_out.values())
    return [_sound(clips[place], info) for place in evenly(len(clips), MOST_CLIPS)]


def _sound(rows: Rows, info: BundleInfo) -> Samples:
    """Undo ``features``: a row is a log-mel and the normalised samples up to the next row."""
    samples = rows[:, info.recipe.features.mel_bands :].ravel()
    # The last row is filled up with zeros.
    samples = samples[: max(np.flatnonzero(samples), default=0) + 1]
    sound: Samples = samples * np.float32(info.amplitude.deviation)
    sound += np.float32(info.amplitude.mean)
    return sound


@dataclass(frozen=True)
class Fresh:
    """Recordings that a detector has not learnt from.

    ``learnt`` counts those left out because it has, ``unlearnt`` the others: ``paths`` are some of
    them where they are many.
    """

    paths: Sequence[Path]
    unlearnt: int
    learnt: int


def fresh_clips(info: BundleInfo, paths: Sequence[Path]) -> Fresh:
    """Choose the recordings, or those below folders, that the detector has not learnt from.

    Of more than ``MOST_CLIPS`` so many are taken, evenly spread. They are told apart by content,
    and one that the detector has learnt from in part is none of them.
    Raises ``DataError`` where none is left, ``ClipError`` for one that cannot be opened.
    """
    given = given_clips(info, paths, "normal")
    recordings = {clip.path: recording_of(clip.content_hash) for clip in given}
    learnt = {*map(recording_of, (*info.provenance.trained, *info.provenance.anomalies))}
    fresh = [Path(path) for path, recording in recordings.items() if recording not in learnt]
    if not fresh:
        raise DataError(
            f"the detector of {info.machine} has learnt from every recording given "
            f"({len(recordings)}), so they show nothing; give healthy recordings that it does not "
            "know"
        )
    chosen = [fresh[place] for place in evenly(len(fresh), MOST_CLIPS)]
    return Fresh(chosen, len(fresh), len(recordings) - len(fresh))
