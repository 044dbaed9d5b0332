"""Find the line of every key in a TOML file; ``tomllib`` tells none."""

from __future__ import annotations

import re
from collections.abc import Mapping

Key = tuple[str | int, ...]

BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
QUOTED = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'", re.DOTALL
)
BARE = re.compile(r"[A-Za-z0-9_-]+")
SCALAR = re.compile(r"[^,\]}#\n]*")


def lines_of(text: str) -> Mapping[Key, int]:
    """Say in which line each key, table and element of a list stands: ``("machine", 0, "name")``.

    ``text`` is valid TOML; of other texts it finds some or none.
    """
    return _Lines(text).found


class _Lines:
    """A walk through the text; ``_at`` is where it is."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._elements: dict[Key, int] = {}  # of lists of tables, so far
        self.found: dict[Key, int] = {}
        table: Key = ()
        while self._skip(BLANK) < len(text):
            before = self._at
            if text.startswith("[", self._at):
                table = self._header()
            else:
                self._pair(table)
            if self._at == before:  # not TOML
                return

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at

    def _take(self, mark: str) -> bool:
        self._skip(BLANK)
        is_there = self._text.startswith(mark, self._at)
        self._at += len(mark) if is_there else 0
        return is_there

    def _note(self, key: Key) -> None:
        self.found.setdefault(key, self._text.count("\n", 0, self._at) + 1)

    def _header(self) -> Key:
        start = self._at
        is_element = self._take("[[")
        if not is_element:
            self._take("[")
        steps = self._key()
        self._take("]]" if is_element else "]")
        end, self._at = self._at, start
        table: Key = ()
        for number, step in enumerate(steps, 1):
            table = (*table, step)
            if is_element and number == len(steps):
                self._elements[table] = self._elements.get(table, -1) + 1
            self._note(table)
            if table in self._elements:
                table = (*table, self._elements[table])
                self._note(table)
        self._at = end
        return table

    def _key(self) -> list[str]:
        steps = []
        while True:
            start = self._skip(BLANK)
            self._skip(QUOTED if self._text[start : start + 1] in ('"', "'") else BARE)
            steps.append(self._text[start : self._at].strip("\"'"))
            if not self._take("."):
                return steps

    def _pair(self, table: Key) -> None:
        self._skip(BLANK)
        start = self._at
        steps = self._key()
        end, self._at = self._at, start
        key = table
        for step in steps:
            key = (*key, step)
            self._note(key)
        self._at = end
        if self._take("="):
            self._value(key)

    def _value(self, key: Key) -> None:
        self._skip(BLANK)
        if self._take("["):
            element = 0
            while self._at < len(self._text) and not self._take("]"):
                self._note((*key, element))
                self._value((*key, element))
                element += 1
                if not self._take(",") and not self._text.startswith("]", self._at):
                    return
        elif self._take("{"):
            while self._at < len(self._text) and not self._take("}"):
                self._pair(key)
                if not self._take(",") and not self._text.startswith("}", self._at):
                    return
        elif self._text[self._at : self._at + 1] in ('"', "'"):
            self._skip(QUOTED)
        else:
            self._skip(SCALAR)
