"""Read the CSV files that come with DCASE Task 2: label lists of evaluation sets, attributes."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from rattle.clips.layouts.dcase_names import parse_dcase_name
from rattle.errors import DataError

SETS_2020 = frozenset({"mimii", "toyadmos", "synthetic"})
_YEAR = re.compile(r"20\d\d")


class Truth(NamedTuple):
    """What a label list tells of one evaluation clip."""

    label: str
    domain: str
    attributes: str


class LabelLists:
    """The label lists of what lies below ``root``, each found and read once.

    ``given`` is the one to use, in place of any that lies beside the recordings.
    """

    def __init__(self, root: Path, given: Path | None = None) -> None:
        self._root = root
        self._given = None if given is None else read_label_list(given)
        self._find = cache(self._found)
        self._read = cache(read_label_list)

    def truth(self, type_folder: Path, source_set: str, stem: str) -> Truth | None:
        """Look up an evaluation clip by its type's folder and its file's name without suffix.

        The list is ``eval_data_list*.csv`` in the nearest folder above, up to the one that holds
        ``root``. Of several there the set's year tells which. Raises ``DataError`` where it does
        not.
        """
        key = type_folder.name, stem
        if self._given is not None:
            return self._given.get(key)
        lists = self._find(type_folder.parent)
        if len(lists) > 1:
            lists = _of_year(lists, source_set)
        elif lists and _is_of_other_year(lists[0], source_set):
            return None
        return self._read(lists[0]).get(key) if lists else None

    def _found(self, folder: Path) -> tuple[Path, ...]:
        lists = tuple(sorted(folder.glob("eval_data_list*.csv")))
        if lists or self._root.parent.is_relative_to(folder):
            return lists
        return self._find(folder.parent)


def _is_of_other_year(path: Path, source_set: str) -> bool:
    of, year = _YEAR.search(path.stem), _YEAR.search(source_set)
    return bool(of and year and of[0] != year[0])


def _of_year(lists: Sequence[Path], source_set: str) -> tuple[Path, ...]:
    """Choose the one list whose name holds the year that a set is called by.

    The list of 2020 was published without one, and its sets are called otherwise.
    """
    year_of = {path: _YEAR.search(path.stem) for path in lists}
    year = _YEAR.search(source_set)
    wanted = {year[0]} if year else {"", "2020"} if source_set in SETS_2020 else set()
    chosen = tuple(path for path, of in year_of.items() if (of[0] if of else "") in wanted)
    if len(chosen) != 1:
        names = ", ".join(path.name for path in lists)
        raise DataError(
            f"{lists[0].parent}: several label lists ({names}), and {source_set!r} does not tell "
            "which is its own; say which one to use, or put each beside its set",
            argument="labels",
        )
    return chosen


def read_label_list(path: Path) -> dict[tuple[str, str], Truth]:
    """Read the truth by machine type and file name without suffix.

    A line of one column starts a machine type. Other lines are a file name, the labelled name,
    and in 2020 also 0 (normal) or 1 (anomaly). From 2021 the labelled name says it all.
    """
    truths: dict[tuple[str, str], Truth] = {}
    machine_type = ""
    for row_number, row in enumerate(_rows(path), start=1):
        if len(row) < 2 or not any(row[1:]):
            machine_type = row[0] if row else machine_type
            continue
        named = parse_dcase_name(Path(row[1]).stem)
        label = {"0": "normal", "1": "anomaly"}.get(row[2]) if len(row) > 2 else None
        label = label or (named.label if named else "unknown")
        if label == "unknown" or not machine_type:
            raise DataError(
                f"{path}, row {row_number}: {','.join(row)!r} is not a line of a DCASE label "
                "list; expected a machine type alone, or file name, labelled name, 0 or 1"
            )
        truths[machine_type, Path(row[0]).stem] = Truth(
            label, named.domain if named else "", named.attributes if named else ""
        )
    return truths


def read_attributes(path: Path) -> dict[str, str]:
    """Read attributes by file name without suffix, from an ``attributes_SS.csv``.

    Columns are ``file_name,d1p,d1v,d2p,d2v ...``, names and values in turn; the file name may
    carry folders. No entry for a clip without attributes.
    """
    attributes: dict[str, str] = {}
    for row in _rows(path)[1:]:
        pairs = zip(row[1::2], row[2::2], strict=False)
        text = ";".join(
            f"{name}={value}" for name, value in pairs if name and name != "noAttribute"
        )
        if text:
            attributes[Path(row[0]).stem] = text
    return attributes


def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [[cell.strip() for cell in row] for row in csv.reader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a CSV file ({error})") from error
