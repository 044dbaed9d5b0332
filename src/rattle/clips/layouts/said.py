"""Compare what someone calls a recording with what its name and its folders say."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from rattle.clips.entry import LayoutEntry
from rattle.clips.layouts.dcase import DcaseLayout
from rattle.clips.layouts.dcase_names import parse_dcase_name
from rattle.clips.layouts.plain import recognise_plain
from rattle.clips.machine import Machine

# Folders above a recording that may be the one that holds all machines.
ABOVE = 4


def contradiction(
    file: Path, given: Path, machine: Machine, label: str, others: Collection[Machine]
) -> str:
    """Say in what a recording is not that machine's, with that label; nothing where it may be.

    ``given`` is the file itself, whose label is then taken as given, or the folder above it that
    was named: what that is called and what is below it says a label. ``others`` are machines that
    it can be of instead. A DCASE name says which id it is of, where the machine has one of that
    kind.
    """
    name = parse_dcase_name(file.stem)
    own = parse_dcase_name(f"{machine.id}_0000")
    if name and own and name.machine_id != own.machine_id:
        return f"of {name.machine_id} by its name"
    told = {entry.machine for entry in _entries(file, list(file.parents)[1 : 1 + ABOVE])}
    if machine not in told:
        for other in sorted(told & {*others}):
            return f"of {other} by its folder"
    if file == given:
        return ""
    if name and name.label not in (label, "unknown"):
        return f"called {name.label} by its name"
    for entry in _entries(file, [given, given.parent]):
        if entry.label != "unknown":
            return f"called {entry.label} by its folder" if entry.label != label else ""
    return ""


def _entries(file: Path, roots: list[Path]) -> Iterator[LayoutEntry]:
    """List what a file is by the layouts, with each of some folders above it as their root."""
    dcase = DcaseLayout({}).recognise(file)
    if isinstance(dcase, LayoutEntry):
        yield dcase
    for root in roots:
        plain = recognise_plain(file, root)
        if plain is not None:
            yield plain
