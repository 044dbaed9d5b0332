"""Tell machines of several sets apart that lie under one folder and are called the same.

Two years of DCASE both have a ``fan/section_00``, MIMII has each machine at three signal-to-noise
ratios, two sites have a ``pump/1``. Where that happens the machine's name carries the set:
``fan@dcase2021/section_00``. Such namesakes are never outliers to each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from rattle.clips.entry import LayoutEntry
from rattle.clips.machine import Machine


def told_apart(entries: Sequence[LayoutEntry]) -> list[LayoutEntry]:
    """Name the machines that several collections have by their collections, too.

    A collection without a name of its own, at the top, leaves its machines as they are called.
    """
    collections: defaultdict[Machine, set[str]] = defaultdict(set)
    for entry in entries:
        collections[entry.machine].add(entry.collection)
    return [
        replace(entry, machine=entry.machine.of_set(entry.collection))
        if entry.collection and len(collections[entry.machine]) > 1
        else entry
        for entry in entries
    ]
