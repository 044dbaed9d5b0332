"""Show an experiment's result on the terminal, in tables that fit its width."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rattle.experiments.sheets import Result, Sheet

# Columns of the terminal between two of the table, and at both sides of it.
GAP, EDGES = 2, 2


def print_result(result: Result) -> None:
    """Print the sheets and remarks; a sheet that is too wide is continued below itself."""
    console = Console()
    console.print(Text(result.title, style="bold"))
    for sheet in result.sheets:
        console.print()
        console.print(Text(sheet.title))
        for columns in _blocks(sheet, console.width):
            console.print(_table(sheet, columns))
    for note in result.notes:
        console.print(Text(f"- {note}"))


def _blocks(sheet: Sheet, width: int) -> Iterator[list[int]]:
    """Divide the columns into blocks that fit; the first one, a row's name, begins each."""
    widths = [max(map(len, column)) for column in zip(sheet.heading, *sheet.rows, strict=True)]
    block, taken = [0], widths[0] + EDGES
    for column in range(1, len(widths)):
        if len(block) > 1 and taken + GAP + widths[column] > width:
            yield block
            block, taken = [0], widths[0] + EDGES
        block.append(column)
        taken += GAP + widths[column]
    yield block


def _table(sheet: Sheet, columns: list[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for column in columns:
        # Text, not str: a machine's name may hold brackets, which rich would read as markup.
        heading = Text(sheet.heading[column])
        if column:
            table.add_column(heading, justify="right", no_wrap=True)
        else:
            table.add_column(heading, overflow="fold")
    for row in sheet.rows:
        table.add_row(*(Text(row[column]) for column in columns))
    return table
