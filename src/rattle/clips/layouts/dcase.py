"""Recognise a file of the DCASE Task 2 layouts: ``<type>/<split folder>/<name of the year>``."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from rattle.clips.entry import LayoutEntry, LeftOut
from rattle.clips.layouts.dcase_names import DcaseName, is_supplemental, parse_dcase_name
from rattle.clips.layouts.dcase_tables import LabelLists, Truth, read_attributes
from rattle.clips.layouts.words import meaning_of
from rattle.clips.machine import Machine

SOURCE_SETS_2020 = {
    **dict.fromkeys(("fan", "pump", "slider", "valve"), "mimii"),
    **dict.fromkeys(("ToyCar", "ToyConveyor"), "toyadmos"),
    # Made by rattle synthesize: never an outlier pool of real machines, nor they of it.
    **dict.fromkeys(("synth_fan", "synth_pump", "synth_slider", "synth_valve"), "synthetic"),
}
_SPLIT_FOLDERS = {
    "train": "train",
    "test": "test",
    "test_rename": "test",
    "source_test": "test",
    "target_test": "test",
}
_OF_EVERY_SET = frozenset({"dev_data", "eval_data", "dev", "eval", "raw", "data"})
_YEAR = re.compile(r"dcase_?(20\d\d)", re.IGNORECASE)


class DcaseLayout:
    """What recognises DCASE files below ``root``; it reads each table once.

    Without ``labels`` evaluation clips have none.
    """

    def __init__(self, root: Path, labels: LabelLists | None = None) -> None:
        self._root = root
        self._labels = labels
        self._attributes = cache(_attributes_of_section)
        self._source_set = cache(_source_set_by_section)

    def recognise(self, path: Path) -> LayoutEntry | LeftOut | None:
        """Recognise a file by its folder and name; None when it is not a DCASE file."""
        split_folder, type_folder = path.parent.name, path.parent.parent
        if split_folder == "supplemental" or is_supplemental(path.stem):
            return LeftOut(path, "a supplemental DCASE clip: clean sound or noise, not a recording")
        name = parse_dcase_name(path.stem)
        split = _SPLIT_FOLDERS.get(split_folder.lower()) or _split_said(path.parent)
        if name is None or split is None:
            return None
        source_set = self._set_of(type_folder, name)
        truth = None
        if name.label == "unknown" and self._labels is not None:
            truth = self._labels.truth(type_folder, source_set, path.stem)
        known = truth or Truth(name.label, name.domain, name.attributes)
        attributes = known.attributes
        if name.by_section:
            attributes = self._attributes(type_folder, name.machine_id).get(path.stem, attributes)
        return LayoutEntry(
            path=path,
            source_set=source_set,
            machine=Machine.named(type_folder.name, name.machine_id),
            split=name.split or split,
            label=known.label,
            domain=known.domain or _domain_of(split_folder),
            attributes=attributes,
            place=path.parent,
            collection=self._collection(type_folder, source_set),
        )

    def _collection(self, type_folder: Path, source_set: str) -> str:
        """Name the set that a type folder is of: by its year, else by the folders above it.

        A development and an evaluation set share their machines, so their folders do not count.
        """
        if _YEAR.search(source_set):
            return source_set
        above = type_folder.parent
        if not above.is_relative_to(self._root):
            return ""
        names = above.relative_to(self._root).parts
        return "-".join(name for name in names if name.lower() not in _OF_EVERY_SET)

    def _set_of(self, type_folder: Path, name: DcaseName) -> str:
        if name.by_section:
            return self._source_set(type_folder)
        return SOURCE_SETS_2020.get(type_folder.name, "site")


def _split_said(folder: Path) -> str | None:
    """Give the split that a folder below a type's says in a word of people's, and nothing else."""
    meaning = meaning_of(folder.name)
    if meaning is None or meaning.label or meaning_of(folder.parent.name):
        return None
    return meaning.split


def _attributes_of_section(type_folder: Path, section: str) -> dict[str, str]:
    table = type_folder / f"attributes_{section.removeprefix('section_')}.csv"
    return read_attributes(table) if table.is_file() else {}


def _source_set_by_section(type_folder: Path) -> str:
    """Take the year from the nearest folder that names it (``dcase2023t2``), else ``dcase``.

    2021 is the one year with a test folder for each domain.
    """
    for part in reversed(type_folder.parts):
        year = _YEAR.search(part)
        if year:
            return f"dcase{year[1]}"
    by_domain = any((type_folder / f"{domain}_test").is_dir() for domain in ("source", "target"))
    return "dcase2021" if by_domain else "dcase"


def _domain_of(split_folder: str) -> str:
    domain, _, rest = split_folder.partition("_")
    return domain if rest == "test" else ""
