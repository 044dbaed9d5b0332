"""Read the rows of any schema as text, and write them again, into either kind of database.

The tables are those that the database says it has: an old backup is of an old schema, and its rows
are brought on by the same steps as an old database.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    LargeBinary,
    MetaData,
    Table,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)

from rattle.errors import DataError

# Alembic's own.
NOT_OURS = "alembic_version"
ROWS_AT_ONCE = 2000
PIECE_BYTES = 8 << 20


def tables_of(connection: Connection) -> list[Table]:
    """List the tables, each after those that its rows name."""
    metadata = MetaData()
    metadata.reflect(connection)
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, JSON):
                column.type = JSON(none_as_null=True)
    return [table for table in metadata.sorted_tables if table.name != NOT_OURS]


def count(connection: Connection, table: Table) -> int:
    """Count its rows."""
    return connection.scalar(select(func.count()).select_from(table)) or 0


def pieces(connection: Connection, table: Table) -> Iterator[tuple[bytes, int]]:
    """Yield its rows as lines of JSON, some megabytes at a time, and how many these are."""
    query = select(table).order_by(*table.primary_key.columns)
    lines: list[bytes] = []
    size = 0
    for row in connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE}):
        values = [_plain(value) for value in row]
        lines.append(json.dumps(values, ensure_ascii=False).encode() + b"\n")
        size += len(lines[-1])
        if size >= PIECE_BYTES:
            yield b"".join(lines), len(lines)
            lines, size = [], 0
    if lines:
        yield b"".join(lines), len(lines)


def parsed(table: Table, piece: bytes) -> list[dict[str, Any]]:
    """Read lines that ``pieces`` wrote; raises ``DataError`` for one that is no row of it."""
    columns = list(table.columns)
    rows = []
    for line in piece.splitlines():
        try:
            values = json.loads(line)
            rows.append(
                {
                    column.name: _value(column, value)
                    for column, value in zip(columns, values, strict=True)
                }
            )
        except (ValueError, TypeError, RecursionError):
            raise DataError(f"a row of table {table.name} is none") from None
    return rows


class Loader:
    """Writes the rows of a table; one may name another of the same table that comes later."""

    def __init__(self, connection: Connection, table: Table) -> None:
        self._connection, self._table = connection, table
        self._own = [
            column.name
            for column in table.columns
            if any(key.column.table is table for key in column.foreign_keys)
        ]
        self._later: list[dict[str, Any]] = []

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write these rows."""
        keys = [column.name for column in self._table.primary_key.columns]
        for row in rows:
            named = {name: row[name] for name in self._own if row[name] is not None}
            if named:
                of = {f"key_{key}": row[key] for key in keys}
                self._later.append(of | {name: row[name] for name in self._own})
                row.update(dict.fromkeys(named))
        if rows:
            self._connection.execute(insert(self._table), rows)

    def finish(self) -> None:
        """Let rows name each other, and the database count on from the last number."""
        if self._later:
            keys = self._table.primary_key.columns
            is_row = [column == bindparam(f"key_{column.name}") for column in keys]
            values: dict[str, Any] = {name: bindparam(name) for name in self._own}
            self._connection.execute(update(self._table).where(*is_row).values(values), self._later)
        if self._connection.dialect.name == "postgresql":
            self._count_on()

    def _count_on(self) -> None:
        for column in self._table.primary_key.columns:
            of = {"table": self._table.name, "column": column.name}
            found = text("SELECT pg_get_serial_sequence(:table, :column)")
            sequence = self._connection.scalar(found, of)
            last = self._connection.scalar(select(func.max(column)))
            if sequence is not None and last is not None:
                self._connection.execute(
                    text("SELECT setval(CAST(:sequence AS regclass), :last)"),
                    {"sequence": sequence, "last": last},
                )


def _plain(value: Any) -> Any:
    return b64encode(value).decode() if isinstance(value, bytes) else value


def _value(column: Column[Any], value: Any) -> Any:
    if value is not None and isinstance(column.type, LargeBinary):
        return b64decode(value, validate=True)
    return value
