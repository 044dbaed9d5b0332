"""Read a CSV file as spreadsheets and editors save them: encoding, separator, row numbers."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass
from pathlib import Path

from rattle.errors import DataError

SEPARATORS = (",", ";", "\t")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Row:
    """A row's cells, without the spaces around them, and its number as an editor shows it."""

    number: int
    cells: tuple[str, ...]


def read_rows(path: Path) -> list[Row]:
    """Read the rows of a CSV file; empty ones are passed over, but counted.

    UTF-8, with a byte-order mark or without, or UTF-16 with one. The separator is the one of comma,
    semicolon and tab that the first row has most of. Raises ``DataError`` for what is no such file.
    """
    try:
        data = path.read_bytes()
        encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
        text = data.decode(encoding)
        if "\0" in text:
            raise DataError(f"{path}: no CSV file; it holds bytes that are no text")
        return _rows(text)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path}, row {line}: not UTF-8 ({error.reason}); save it as CSV UTF-8"
        ) from error
    except (OSError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a CSV file ({error})") from error


def _rows(text: str) -> list[Row]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows = []
    begin = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            rows.append(Row(begin, tuple(cell.strip() for cell in cells)))
        # A quoted cell may go over several lines: the next row begins behind its last.
        begin = reader.line_num + 1
    return rows
