"""Read the CSV file in which a user lists clips: one row a clip."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from rattle.clips.entry import LayoutEntry
from rattle.clips.layouts.csv_text import Row, read_rows
from rattle.clips.layouts.words import KNOWN_WORDS, label_of, split_of
from rattle.clips.machine import Machine
from rattle.clips.manifest import DOMAINS, SCHEMA
from rattle.errors import DataError

# A written manifest can be read back; what is measured from the file is measured anew.
_COLUMNS = {"machine", *SCHEMA}
# As DCASE label lists have it.
_NUMBERS = {"0": "normal", "1": "anomaly"}

_log = logging.getLogger(__name__)


def read_csv_file(path: Path) -> list[LayoutEntry]:
    """Read the entries of a CSV file, in its order.

    Required columns, their names in any case: ``path`` (relative to the CSV file, or absolute;
    Windows' backslashes will do), ``label`` (a word that ``words`` knows, or 0 for normal and 1
    for anomaly), and ``machine`` (``fan/id_00``) or ``machine_type`` with ``machine_id``. Optional:
    ``split`` (default: train for normal, else test), ``source_set`` (default ``site``),
    ``domain``, ``attributes``. Other columns are passed over, and a warning names them. Raises
    ``DataError`` naming row and column for anything else.
    """
    header, *rows = read_rows(path) or [Row(1, ())]
    columns = [cell.casefold() for cell in header.cells]
    _check_columns(path, header, columns)
    entries: list[LayoutEntry] = []
    row_of: dict[Path, int] = {}
    for row in rows:
        entry = _entry(path, row.number, _cells(path, row, columns))
        first = row_of.setdefault(entry.path, row.number)
        if first != row.number:
            raise _wrong(path, row.number, "path", f"the file of row {first} again")
        entries.append(entry)
    return entries


def _check_columns(path: Path, header: Row, columns: Sequence[str]) -> None:
    by_parts = "machine" not in columns and {"machine_type", "machine_id"} & set(columns)
    required = {"path", "label"}
    required |= {"machine_type", "machine_id"} if by_parts else {"machine"}
    missing = sorted(required - set(columns))
    twice = sorted({column for column in columns if column and columns.count(column) > 1})
    for wrong, what in ((missing, "missing"), (twice, "double")):
        if wrong:
            raise DataError(
                f"{path}, row {header.number}: {what} column {', '.join(map(repr, wrong))} in "
                f"{', '.join(map(repr, header.cells)) or 'an empty header'}; expected a header "
                "such as path,machine,label with commas, semicolons or tabs between, and "
                "optionally split, source_set, domain, attributes"
            )
    unused = [column for column in header.cells if column.casefold() not in _COLUMNS]
    if unused:
        _log.warning("%s: columns that mean nothing here: %s", path, ", ".join(map(repr, unused)))


def _cells(path: Path, row: Row, columns: Sequence[str]) -> dict[str, str]:
    # A spreadsheet ends rows with separators of columns that are empty.
    if len(row.cells) < len(columns) or any(row.cells[len(columns) :]):
        raise DataError(
            f"{path}, row {row.number}: {len(row.cells)} cells, the header has {len(columns)}"
        )
    return dict(zip(columns, row.cells, strict=False))


def _entry(path: Path, number: int, cells: dict[str, str]) -> LayoutEntry:
    if not cells["path"]:
        raise _wrong(path, number, "path", "empty; name a recording")
    label = _NUMBERS.get(cells["label"]) or label_of(cells["label"])
    if label is None:
        raise _wrong(
            path,
            number,
            "label",
            f"{cells['label']!r} found, expected {KNOWN_WORDS}, unknown, or 0 for normal and 1 "
            "for anomaly",
        )
    split = split_of(cells.get("split") or ("train" if label == "normal" else "test"))
    if split is None:
        raise _wrong(
            path, number, "split", f"{cells['split']!r} found, expected train, validation or test"
        )
    domain = cells.get("domain", "").lower()
    if domain not in DOMAINS:
        raise _wrong(path, number, "domain", f"{domain!r} found, expected source, target or none")
    return LayoutEntry(
        path=_recording(path.parent, cells["path"]),
        source_set=cells.get("source_set") or "site",
        machine=_machine(path, number, cells),
        split=split,
        label=label,
        domain=domain,
        attributes=cells.get("attributes", ""),
        place=path,
    )


def _recording(folder: Path, cell: str) -> Path:
    """Find the file that a cell names; one written on Windows has backslashes for slashes."""
    recording = (folder / cell).resolve()
    if "\\" in cell and not recording.exists():
        return (folder / cell.replace("\\", "/")).resolve()
    return recording


def _machine(path: Path, number: int, cells: dict[str, str]) -> Machine:
    column = "machine" if "machine" in cells else "machine_type"
    try:
        if column == "machine":
            return Machine.parse(cells["machine"])
        return Machine.parse(str(Machine(cells["machine_type"], cells["machine_id"])))
    except DataError as error:
        raise _wrong(path, number, column, str(error)) from error


def _wrong(path: Path, number: int, column: str, reason: str) -> DataError:
    return DataError(f"{path}, row {number}, column {column!r}: {reason}")
