"""An HTML page taken apart: elements, text, tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "link", "input"}
Attributes = dict[str, str | None]


@dataclass
class Cell:
    tag: str
    attributes: Attributes
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return re.sub(r"[ \n]+", " ", "".join(self.parts)).strip(" ")


@dataclass
class Table:
    """Rows of cells; the first one holds the headings."""

    attributes: Attributes
    rows: list[list[Cell]] = field(default_factory=list)
    caption: str = ""

    def column(self, heading: str) -> list[Cell]:
        """The cells below a heading."""
        place = [cell.text for cell in self.rows[0]].index(heading)
        return [row[place] for row in self.rows[1:]]


class HtmlPage(HTMLParser):
    """``elements`` in order, ``said`` the visible text, ``open`` what was never closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.elements: list[tuple[str, Attributes]] = []
        self.tables: list[Table] = []
        self.open: list[str] = []
        self._text: list[str] = []
        self.feed(source)

    @property
    def said(self) -> str:
        return re.sub(r"\s+", " ", "".join(self._text))

    def all(self, tag: str) -> list[Attributes]:
        return [attributes for name, attributes in self.elements if name == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append(Table(dict(attrs)))
        elif tag == "tr":
            self.tables[-1].rows.append([])
        elif tag in ("td", "th"):
            self.tables[-1].rows[-1].append(Cell(tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            return
        self._text.append(data)
        if {"td", "th"} & set(self.open):
            self.tables[-1].rows[-1][-1].parts.append(data)
        elif self.open and self.open[-1] == "caption":
            self.tables[-1].caption += data
