"""Read the CSV files that come with DCASE Task 2: label lists of evaluation sets, attributes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from rattle.clips.layouts.dcase_names import parse_dcase_name
from rattle.errors import DataError


class Truth(NamedTuple):
    """What a label list tells of one evaluation clip."""

    label: str
    domain: str
    attributes: str


def find_label_list(folder: Path) -> Path | None:
    """Find ``eval_data_list*.csv`` in the folder or its parent; ``DataError`` for several."""
    for parent in (folder, folder.parent):
        lists = sorted(parent.glob("eval_data_list*.csv"))
        if len(lists) > 1:
            names = ", ".join(path.name for path in lists)
            raise DataError(f"{parent}: several label lists ({names}); name the one to use")
        if lists:
            return lists[0]
    return None


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
