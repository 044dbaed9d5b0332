"""Write a report down for a mail: as plain text, and as HTML that needs nothing else."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import tzinfo

from rattle.pages.templates import page_template
from rattle.station.report.figures import Report
from rattle.station.report.said import NO_BREAK, Cell, Section, Table, said

TEMPLATE = "station/report/mail.html.jinja"
COLUMNS = 78


def as_text(report: Report, zone: tzinfo | None = None) -> str:
    """Write it as lines of text."""
    document = said(report, zone)
    parts = [f"{document.title}\n{'=' * len(document.title)}", *_filled(document.span)]
    parts += _filled(document.note)
    for section in document.sections:
        parts += _section(section)
    return "\n\n".join(parts).replace(NO_BREAK, " ") + "\n"


def as_html(report: Report, address: str, zone: tzinfo | None = None) -> str:
    """Write it as a page with its style in it, whose links lead to the station at ``address``."""
    return page_template(TEMPLATE).render(document=said(report, zone), address=address)


def _section(section: Section) -> Iterator[str]:
    yield f"{section.title}\n{'-' * len(section.title)}"
    for sentence in section.sentences:
        yield from _filled(sentence)
    for table in section.tables:
        yield "\n".join(_table(table))


def _filled(text: str) -> list[str]:
    return [textwrap.fill(text, COLUMNS)] if text else []


def _table(table: Table) -> Iterator[str]:
    """Columns side by side; where that is too wide, a block of lines a row."""
    yield f"{table.title}:"
    texts = [table.head, *(tuple(cell.text for cell in row) for row in table.rows)]
    widths = [max(len(row[place]) for row in texts) for place in range(len(table.head))]
    if sum(widths) + 2 * len(widths) <= COLUMNS:
        for row in texts:
            cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
            yield f"  {'  '.join(cells)}".rstrip()
        return
    for line in table.rows:
        yield from _block(table.head, line)


def _block(head: Sequence[str], row: Sequence[Cell]) -> Iterator[str]:
    yield f"  {row[0].text}"
    facts = (f"{name} {cell.text}" for name, cell in zip(head[1:], row[1:], strict=True))
    indent = "    "
    yield textwrap.fill(", ".join(facts), COLUMNS, initial_indent=indent, subsequent_indent=indent)
