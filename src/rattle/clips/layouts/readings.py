"""Say how each folder of a data set was read, and what was left out of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rattle.clips.clip import KIND
from rattle.clips.entry import LayoutEntry, LeftOut
from rattle.clips.machine import Machine
from rattle.pages.words import counted

# Folders that a warning names; the rest is counted.
NAMED = 3


@dataclass(frozen=True)
class FolderReading:
    """What the clips of a folder were taken for; ``folder`` is relative to the data set's.

    ``kind`` is the kind of fault that the folder names. Where its files are left out ``reason``
    says why, and there is no machine.
    """

    folder: str
    machine: Machine | None
    split: str
    label: str
    kind: str
    clips: int
    reason: str = ""


def readings(
    entries: Iterable[LayoutEntry], left_out: Iterable[LeftOut], source: Path
) -> tuple[FolderReading, ...]:
    """List how folders below ``source`` were read, in their order, with the number of clips."""
    taken = Counter(
        (_shown(e.place, source), e.machine, e.split, e.label, _kind(e)) for e in entries
    )
    not_taken = Counter((_shown(s.path.parent, source), _reason(s)) for s in left_out)
    rows = [FolderReading(*key, clips) for key, clips in taken.items()]
    rows += [
        FolderReading(folder, None, "", "", "", clips, reason)
        for (folder, reason), clips in not_taken.items()
    ]
    return tuple(sorted(rows, key=lambda row: (row.folder, str(row.machine), row.split, row.label)))


def in_short(left_out: Sequence[LeftOut], source: Path) -> str:
    """Say in a line which files are left out and why, the most common reasons first."""
    groups = Counter((_shown(s.path.parent, source), _reason(s)) for s in left_out).most_common()
    named = "; ".join(
        f"{counted(clips, 'file')} in {folder}: {reason}"
        for (folder, reason), clips in groups[:NAMED]
    )
    more = f"; and {len(groups) - NAMED} more reasons" if len(groups) > NAMED else ""
    return f"{counted(len(left_out), 'file')} left out ({named}{more}); rattle check shows all"


def _shown(folder: Path, source: Path) -> str:
    return str(folder.relative_to(source)) if folder.is_relative_to(source) else str(folder)


def _reason(left_out: LeftOut) -> str:
    return left_out.reason.removeprefix(f"{left_out.path}: ")


def _kind(entry: LayoutEntry) -> str:
    named = [part for part in entry.attributes.split(";") if part.startswith(KIND)]
    return named[0].removeprefix(KIND) if named else ""
