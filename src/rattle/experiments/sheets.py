"""Write a result, sheets of text, as Markdown, CSV and HTML."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from rattle.atomic import write_text
from rattle.pages.templates import page_template

# What Markdown would read as a cell's end, markup or HTML; an underscore within a word it does not.
MARKUP = re.compile(r"[\\|<>&*`\[\]~]|(?<![^\W_])_|_(?![^\W_])")


@dataclass(frozen=True)
class Sheet:
    """A titled table of text; the first cell of a row names it."""

    title: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Result:
    """What an experiment found: sheets to read, one table of raw values, and remarks.

    ``values`` are rows of full precision with ``fields`` as their heading. ``svg`` is a drawing of
    ours, stored beside the result as NAME.svg.
    """

    name: str
    title: str
    sheets: tuple[Sheet, ...]
    fields: tuple[str, ...]
    values: tuple[tuple[object, ...], ...]
    notes: tuple[str, ...] = ()
    svg: str = ""

    def write(self, folder: Path) -> list[Path]:
        """Write NAME.md, NAME.csv and NAME.html; return their paths."""
        texts = {"md": self.markdown(), "csv": self.csv(), "html": self.html()}
        paths = [folder / f"{self.name}.{suffix}" for suffix in texts]
        for path, text in zip(paths, texts.values(), strict=True):
            write_text(path, text)
        return paths

    def markdown(self) -> str:
        """Format the sheets and remarks as Markdown; names that hold markup are escaped."""
        parts = [f"# {_escaped(self.title)}"]
        if self.svg:
            parts.append(f"![{_escaped(self.title)}]({self.name}.svg)")
        for sheet in self.sheets:
            rule = ["---", *("---:" for _ in sheet.heading[1:])]
            lines = [_line(sheet.heading), f"| {' | '.join(rule)} |", *map(_line, sheet.rows)]
            parts.append(_escaped(sheet.title) + "\n\n" + "\n".join(lines))
        if self.notes:
            parts.append("\n".join(f"- {_escaped(note)}" for note in self.notes))
        return "\n\n".join(parts) + "\n"

    def csv(self) -> str:
        """Format the raw values as CSV; a value that is missing is an empty field."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(self.fields)
        writer.writerows(["" if v is None else v for v in row] for row in self.values)
        return file.getvalue()

    def html(self) -> str:
        """Make a page of the drawing, the sheets and the remarks that needs nothing but itself."""
        drawing = self.svg[self.svg.find("<svg") :] if self.svg else ""
        return page_template("experiments/result.html.jinja").render(result=self, drawing=drawing)


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(map(_escaped, cells)) + " |"


def _escaped(text: str) -> str:
    return MARKUP.sub(r"\\\g<0>", " ".join(text.split()))
