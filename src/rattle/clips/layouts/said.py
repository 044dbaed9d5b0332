"""Compare what someone calls a recording with what its name and its folders say."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from rattle.clips.entry import LayoutEntry
from rattle.clips.layouts.dcase import DcaseLayout
from rattle.clips.layouts.dcase_names import parse_dcase_name
from rattle.clips.layouts.folders import Folders, take_apart
from rattle.clips.layouts.plain import DEEPEST, SITE, named_machine
from rattle.clips.layouts.published import label_of_toyadmos
from rattle.clips.layouts.words import contradiction as word_against
from rattle.clips.layouts.words import meaning_of, says_a_word
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
    told = _machines(file)
    if machine not in told:
        for other in sorted(told & {*others}):
            return f"of {other} by its folder"
    if file == given:
        return ""
    if name and name.label not in (label, "unknown"):
        return f"called {name.label} by its name"
    toy = label_of_toyadmos(file.stem)
    if toy not in ("", label):
        return f"called {toy} by its name"
    word = word_against(file.stem, label)
    if word:
        return f"called {word} by its name"
    called = _called(file, given)
    return f"called {called} by its folder" if called not in (label, "unknown") else ""


def _called(file: Path, given: Path) -> str:
    """Give the label that the nearest folder says, up to the one given; unknown where none does."""
    folders = file.parents[: len(file.relative_to(given).parts)]
    if any(map(_is_kind, folders)):
        return "anomaly"
    above = [folder.name for folder in folders]
    for name in above:
        meaning = meaning_of(name)
        if meaning and meaning.label:
            return meaning.label
        if word_against(name, "normal"):
            return "anomaly"
    trains = any(meaning and meaning.split == "train" for meaning in map(meaning_of, above))
    return "normal" if trains else "unknown"


def _is_kind(folder: Path) -> bool:
    """Tell whether a folder of ``test`` stands beside one for healthy sound, none for faults."""
    said = meaning_of(folder.parent.name)
    if said is None or said.split != "test" or meaning_of(folder.name) or not folder.is_dir():
        return False
    beside = {meaning.label for f in folder.parent.iterdir() if (meaning := meaning_of(f.name))}
    return says_a_word(folder.name) and beside == {"normal"}


def _machines(file: Path) -> set[Machine]:
    """List the machines that a file is of, with each of some folders above it as the top."""
    machines = set()
    dcase = DcaseLayout(file.parent).recognise(file)
    if isinstance(dcase, LayoutEntry):
        machines |= _with_set(dcase.machine, dcase.collection)
    for root in list(file.parents)[1 : 1 + ABOVE]:
        folders = take_apart(file, root)
        if isinstance(folders, Folders):
            levels = folders.machine or (folders.root.name,)
            source_set, machine = named_machine(levels[-DEEPEST:], folders.root)
            machines |= _with_set(machine, "" if source_set == SITE else source_set)
            machines.add(named_machine(levels[-2:], folders.root)[1])
    return machines


def _with_set(machine: Machine, name: str) -> set[Machine]:
    return {machine, machine.of_set(name)} if name else {machine}
