"""Read the CSV file in which a user lists clips: one row a clip."""

from __future__ import annotations

import csv
from pathlib import Path

from rattle.clips.entry import LayoutEntry
from rattle.clips.machine import Machine
from rattle.clips.manifest import DOMAINS, LABELS, SCHEMA, SPLITS
from rattle.errors import DataError

_CHOICES = {"label": LABELS, "split": SPLITS, "domain": DOMAINS}
# A written manifest can be read back; what is measured from the file is measured anew.
_COLUMNS = {"machine", *SCHEMA}


def read_csv_file(path: Path) -> list[LayoutEntry]:
    """Read the entries of a CSV file, in its order.

    Required columns: ``path`` (relative to the CSV file, or absolute), ``label`` (normal, anomaly
    or unknown), and ``machine`` (``fan/id_00``) or ``machine_type`` with ``machine_id``. Optional:
    ``split`` (default: train for normal, else test), ``source_set`` (default ``site``),
    ``domain``, ``attributes``. Raises ``DataError`` naming row and column for anything else.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _check_columns(path, list(reader.fieldnames or []))
            return _entries(path, list(reader))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a CSV file ({error})") from error


def _check_columns(path: Path, columns: list[str]) -> None:
    required = {"path", "label"}
    required |= {"machine"} if "machine" in columns else {"machine_type", "machine_id"}
    missing = sorted(required - set(columns))
    unknown = [column for column in columns if column not in _COLUMNS]
    twice = sorted({column for column in columns if columns.count(column) > 1})
    for wrong, what in ((missing, "missing"), (unknown, "unknown"), (twice, "double")):
        if wrong:
            raise DataError(
                f"{path}, row 1: {what} column {', '.join(map(repr, wrong))}; expected a header "
                "such as path,machine,label with commas between, and optionally split, "
                "source_set, domain, attributes"
            )


def _entries(path: Path, rows: list[dict[str, str]]) -> list[LayoutEntry]:
    entries: list[LayoutEntry] = []
    row_of: dict[Path, int] = {}
    for number, row in enumerate(rows, start=2):
        entry = _entry(path, number, row)
        first = row_of.setdefault(entry.path, number)
        if first != number:
            raise DataError(f"{path}, row {number}, column 'path': the file of row {first} again")
        entries.append(entry)
    return entries


def _entry(path: Path, number: int, row: dict[str, str]) -> LayoutEntry:
    # DictReader files surplus cells under None and fills missing ones with None.
    if None in row or None in row.values():
        raise DataError(f"{path}, row {number}: the number of cells differs from the header's")
    cells = {column: cell.strip() for column, cell in row.items()}
    if not cells["path"]:
        raise DataError(f"{path}, row {number}, column 'path': empty; name a recording")
    split = cells.get("split") or ("train" if cells["label"] == "normal" else "test")
    for column, value in {**cells, "split": split}.items():
        choices = _CHOICES.get(column)
        if choices is not None and value not in choices:
            expected = ", ".join(choice for choice in choices if choice)
            raise DataError(
                f"{path}, row {number}, column {column!r}: {value!r} found, expected {expected}"
            )
    return LayoutEntry(
        path=(path.parent / cells["path"]).resolve(),
        source_set=cells.get("source_set") or "site",
        machine=_machine(path, number, cells),
        split=split,
        label=cells["label"],
        domain=cells.get("domain", ""),
        attributes=cells.get("attributes", ""),
    )


def _machine(path: Path, number: int, cells: dict[str, str]) -> Machine:
    column = "machine" if "machine" in cells else "machine_type"
    try:
        if column == "machine":
            return Machine.parse(cells["machine"])
        return Machine.parse(str(Machine(cells["machine_type"], cells["machine_id"])))
    except DataError as error:
        raise DataError(f"{path}, row {number}, column {column!r}: {error}") from error
