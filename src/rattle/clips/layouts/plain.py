"""Recognise files in plain folders: machine, split and label by the folders' names, in any order.

``press/normal``, ``press/train/good``, ``train/press/good``, ``fan/id_00/test/NG/bearing`` ...
Rules, after ``folders`` took the names apart:

- What is not known to be normal is never learnt: below ``train`` a word that is not known leaves
  the file out; a folder without letters (a day, a number) divides the clips and says nothing.
- Folders below a word for faults name the kind of fault; so do those of ``test`` that stand beside
  one for healthy sound (``test/good``, ``test/scratch``).
- Where the word stands on top (``normal/...``) folders below are machines or divide one machine's
  clips. The names tell: the same ones below two words are machines. Else it is refused.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from rattle.clips.clip import KIND
from rattle.clips.entry import LayoutEntry, LeftOut
from rattle.clips.layouts.folders import Folders
from rattle.clips.layouts.words import KNOWN_WORDS, meaning_of, says_a_word
from rattle.clips.machine import Machine
from rattle.errors import DataError

_ID = re.compile(r"(?:id|section|case)_?\d+")
# Folders that name a machine: type, type and id, or these below the folder of a set.
DEEPEST = 3
SITE = "site"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Named:
    """A file and the folders that name its machine, and those that only divide its clips."""

    folders: Folders
    machine: tuple[str, ...]
    free: tuple[str, ...]
    root: Path


def recognise_plain(files: Sequence[Folders]) -> list[LayoutEntry | LeftOut]:
    """Recognise files by their folders, all of a scan at once: neighbours tell what a name is.

    Raises ``DataError`` where the folders can be read in two ways, naming both.
    """
    on_top: defaultdict[Path, list[Folders]] = defaultdict(list)
    for file in files:
        if not file.above:
            on_top[file.root].append(file)
    machines = {root: _machines_below(root, below) for root, below in on_top.items()}
    kinds = _tests_by_kind(files)
    entries = [_entry(_named(file, machines), kinds) for file in files]
    taken = [entry for entry in entries if isinstance(entry, LayoutEntry) and entry.attributes]
    guessed = sorted({str(entry.place) for entry in taken if entry.place.parent in kinds})
    if guessed:
        _log.warning(
            "%s: taken for a kind of fault, since it stands beside healthy test clips",
            ", ".join(guessed),
        )
    return entries


def _named(file: Folders, machines: Mapping[Path, Collection[tuple[str, ...]]]) -> _Named:
    if file.machine:
        return _Named(file, file.machine, file.free, file.root)
    known = machines[file.root]
    if not known or not file.free:
        return _Named(file, (file.root.name,), file.free, file.root.parent)
    # Below the machine's folder its clips may be divided; a machine without normals has one name.
    depth = max((len(name) for name in known if file.free[: len(name)] == name), default=1)
    return _Named(file, file.free[:depth], file.free[depth:], file.root)


def _entry(named: _Named, kinds: Collection[Path]) -> LayoutEntry | LeftOut:
    file = named.folders
    label, split = file.label, file.split
    unread = [name for name in named.free if name in file.unread]
    if file.says_train:
        if unread:
            return LeftOut(
                file.path,
                f"below {file.words[-1]!r} its folder {unread[0]!r} does not say that it is "
                f"healthy sound, so nothing is learnt from it; the words are {KNOWN_WORDS}",
            )
        label = "normal"
    if not label and unread and file.place in kinds:
        label = "anomaly"
    if len(named.machine) > DEEPEST:
        return LeftOut(
            file.path,
            f"{len(named.machine)} folders stand above {file.words[0]!r}, at most {DEEPEST} name "
            "a machine: a set, a type and an id; give a folder below",
        )
    source_set, machine = named_machine(named.machine, named.root)
    kind = "/".join(unread) if label == "anomaly" else ""
    return LayoutEntry(
        path=file.path,
        source_set=source_set,
        machine=machine,
        split=split or ("train" if label == "normal" else "test"),
        label=label or "unknown",
        # What separates attributes stands in no name.
        attributes=kind and f"{KIND}{kind.translate(str.maketrans(';=', '--'))}",
        place=file.place / unread[0] if kind else file.place,
        collection="" if source_set == SITE else source_set,
    )


def named_machine(levels: Sequence[str], root: Path) -> tuple[str, Machine]:
    """Give the set and the machine that folders below ``root`` name: one to ``DEEPEST`` of them.

    One is a machine without id, or an id such as ``id_00`` whose type is the folder above; two are
    type and id; three are set, type and id.
    """
    *above, last = levels
    if not above and _ID.fullmatch(last):
        above = [root.name]
    if not above:
        return SITE, Machine.named(last)
    return "".join(above[:-1]) or SITE, Machine.named(above[-1], last)


def _tests_by_kind(files: Sequence[Folders]) -> set[Path]:
    """List the test folders that hold one folder for healthy sound and none for faults.

    Their other folders are kinds of fault, each with the name of one.
    """
    labels: defaultdict[Path, set[str]] = defaultdict(set)
    for file in files:
        if file.split == "test" and file.label and meaning_of(file.words[-1]):
            labels[file.place.parent].add(file.label)
    return {place for place, beside in labels.items() if beside == {"normal"}}


def _machines_below(root: Path, files: Sequence[Folders]) -> set[tuple[str, ...]]:
    """List the machines that the folders below ``normal``, ``train`` ... on top are.

    None where they divide the clips of one machine, that of ``root``.
    """
    undecided = [file for file in files if not file.machine]
    healthy = [file for file in undecided if file.label == "normal" or file.says_train]
    healthy = healthy or [file for file in undecided if not file.label]
    names = {_first_words(file.free) for file in healthy if file.unread}
    if not names:
        return set()
    below: defaultdict[tuple[str, ...], set[tuple[str, ...]]] = defaultdict(set)
    for file in files:
        levels = file.machine or _first_words(file.free)
        for depth in (1, 2):
            below[levels[:depth]].add(file.words)
    is_shared = any(len(words) > 1 for levels, words in below.items() if len(levels) == 1)
    is_divided = all(file.unread for file in healthy)
    if is_divided and (is_shared or all(_ID.fullmatch(name[-1]) for name in names)):
        # The second folder is an id where it is called so, or stands below two words as well.
        pairs = {name[:2] for name in names if len(name) > 1}
        has_id = {pair for pair in pairs if _ID.fullmatch(pair[1]) or len(below[pair]) > 1}
        return {name[:2] if name[:2] in has_id else name[:1] for name in names}
    if not is_divided and not is_shared:
        return set()
    example = next(file for file in healthy if file.unread)
    word, folder = "/".join(example.words), example.free[0]
    raise DataError(
        f"{root}: {word}/{folder} can be read in two ways: {folder!r} is a machine and "
        f"{word!r} says what its clips are, or {folder!r} is a part of the clips of one machine, "
        f"{root.name!r}. For the first, turn the folders over, {folder}/{word}; for the second, "
        f"give the folder above, {root.parent}, or take the recordings out of {folder!r}"
    )


def _first_words(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(takewhile(says_a_word, names))
