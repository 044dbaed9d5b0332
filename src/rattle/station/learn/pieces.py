"""Judge kept sound, a piece now and then, by what two encoders make of it.

    piece        [ window ]        ten seconds hold two or three windows; a recording is cut into
                   [ window ]      pieces that hold as many
    M of it      the K-th largest of their scores, or the lowest of fewer

So M of a piece is no minute's: it is lower. It says which of two encoders tells faults from
healthy sound, by thresholds that so many pieces pass; not how many alarms there would be a week,
since what sounds between two pieces is not heard.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rattle.atomic import replacing
from rattle.errors import DataError
from rattle.scoring.budget.rule import AlarmRule, Values
from rattle.station.learn.replay import Replayed, Voice

PIECE_S, EVERY_S = 10.0, 600.0
MOST_BYTES = 1 << 30
ARRAYS = ("names", "counts", "ends_s", "old", "new")
# Ends in seconds ``[n]``, embeddings by the old and by the new encoder ``[n, D]``.
Embedded = tuple[Values, NDArray[np.float16], NDArray[np.float16]]


@dataclass(frozen=True)
class HeardPiece:
    """What two encoders make of the windows of a piece: embeddings ``[n, D]``, ends UTC seconds.

    incident_id: of a reviewed incident's recording; None of kept sound.
    """

    source_id: str
    incident_id: str | None
    ends: Values
    old: NDArray[np.float16]
    new: NDArray[np.float16]


@dataclass(frozen=True)
class Made:
    """What a worker made of files, by their names; ``encoder`` is the hash of the old one."""

    encoder: str
    files: Mapping[str, Embedded]


def read_made(path: Path) -> Made:
    """Read what a worker made of files; ``DataError`` where it is something else."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(each.file_size for each in archive.infolist())
        if size > MOST_BYTES:
            raise DataError(f"it holds {size / 1e6:.0f} MB of embeddings; expected fewer pieces")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            names, counts, ends, old, new = (held[name] for name in ARRAYS)
            encoder = str(held["encoder"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"its embeddings cannot be read: {error}") from None
    _check(names, counts, ends, old, new)
    last = np.cumsum(counts)
    files = {
        str(name): (ends[first:end], old[first:end], new[first:end])
        for name, first, end in zip(names, last - counts, last, strict=True)
    }
    return Made(encoder, files)


def _check(*arrays: NDArray[np.generic]) -> None:
    names, counts, ends, old, new = arrays
    is_whole = (
        names.ndim == counts.ndim == ends.ndim == 1
        and old.ndim == new.ndim == 2
        and names.dtype.kind == "U"
        and counts.dtype.kind == "i"
        and ends.dtype == np.float64
        and old.dtype == new.dtype == np.float16
        and len(names) == len(counts)
        and len(ends) == len(old) == len(new) == int(counts.sum())
        and bool(np.greater(counts, 0).all())
    )
    if not is_whole or not all(np.isfinite(of).all() for of in (ends, old, new)):
        raise DataError("its embeddings are not as expected; use a worker of this version")


def write_heard(path: Path, heard: Sequence[HeardPiece]) -> None:
    """Keep what both encoders made, beside the release that it is of."""
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez(
            file,
            sources=np.array([each.source_id for each in heard], dtype="U26"),
            incidents=np.array([each.incident_id or "" for each in heard], dtype="U26"),
            counts=np.array([len(each.ends) for each in heard], dtype=np.int64),
            ends=np.concatenate([each.ends for each in heard]),
            old=np.concatenate([each.old for each in heard]),
            new=np.concatenate([each.new for each in heard]),
        )


def read_heard(path: Path) -> list[HeardPiece]:
    """Read what ``write_heard`` wrote; nothing where it is gone."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            last = np.cumsum(held["counts"])
            ends, old, new = held["ends"], held["old"], held["new"]
            return [
                HeardPiece(str(source), str(incident) or None, ends[a:b], old[a:b], new[a:b])
                for source, incident, a, b in zip(
                    held["sources"], held["incidents"], last - held["counts"], last, strict=True
                )
            ]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return []


def judged_by(
    heard: Sequence[HeardPiece], source_id: str, voice: Voice, rule: AlarmRule, *, is_new: bool
) -> Replayed:
    """Give M of each of a source's pieces by the old or the new encoder and its head."""
    own = [each for each in heard if each.source_id == source_id]
    windows = min((len(each.ends) for each in own if each.incident_id is None), default=1)
    ends, values, picked = [], [], []
    for each in own:
        scores = voice.scores(each.new if is_new else each.old)
        for first in range(0, max(len(scores) - windows, 0) + 1, windows):
            piece = scores[first : first + windows]
            values.append(np.sort(piece)[::-1][min(rule.passes, len(piece)) - 1])
            ends.append(each.ends[min(first + windows, len(scores)) - 1])
            picked.append(each.incident_id is not None)
    order = np.argsort(ends, kind="stable")
    return Replayed(
        np.array(values, dtype=np.float64)[order],
        np.array(ends, dtype=np.float64)[order],
        PIECE_S,
        EVERY_S,
        np.array(picked, dtype=np.bool_)[order],
    )
