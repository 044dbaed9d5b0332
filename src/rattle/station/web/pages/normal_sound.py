"""Say how much is kept of a machine's normal sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rattle.station.board import SourceNow
from rattle.station.store import kept_sound


@dataclass(frozen=True)
class NormalSound:
    """Pieces of all sources of a machine, the oldest from ``since`` on; ``newest`` is to listen to.

    is_kept: whether the plant's file lets any be kept. newest: the address of a piece, or "".
    """

    is_kept: bool
    pieces: int
    since: datetime | None
    newest: str


def normal_sound_of(
    sources: Sequence[SourceNow], chosen: SourceNow, data: Path, *, is_kept: bool
) -> NormalSound:
    """Count what lies in the ``data`` folder; the newest is that of the ``chosen`` source."""
    counts = {source.id: kept_sound.count_of(data, source.id) for source in sources}
    return NormalSound(
        is_kept,
        sum(pieces for pieces, _ in counts.values()),
        min((since for _, since in counts.values() if since is not None), default=None),
        f"/normal-sound/{chosen.id}.flac" if counts[chosen.id][0] else "",
    )
