"""Say what is sent: one notice, or several as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rattle.pages.words import counted

# Of more, the first are written out.
MOST_TOLD = 50


@dataclass(frozen=True)
class Told:
    """A notice as it is sent: id, kind, when it was to be told, and its body."""

    id: str
    what: str
    at: datetime
    body: dict[str, Any]


@dataclass(frozen=True)
class Message:
    """What is sent at once; it keeps its ``id`` when it is sent again after so many ``tries``."""

    id: str
    plant: str
    notices: Sequence[Told]
    tries: int = 0

    @property
    def title(self) -> str:
        """A line."""
        if len(self.notices) == 1:
            return str(self.notices[0].body["title"])
        return f"{counted(len(self.notices), 'notice')} from {self.plant}"

    @property
    def text(self) -> str:
        """What happened, for people; with links, and the id at its end."""
        told = [each.body for each in self.notices[:MOST_TOLD]]
        if len(self.notices) == 1:
            parts = [f"{told[0]['text']}\n{told[0]['link']}"]
        else:
            parts = [f"{body['title']}\n{body['text']}\n{body['link']}" for body in told]
        more = len(self.notices) - len(told)
        if more:
            parts.append(f"And {more} more.")
        return "\n\n".join([*parts, f"{self.plant}, message {self.id}"])

    @property
    def html(self) -> str | None:
        """The same as HTML, where it is one notice that has it."""
        return self.notices[0].body.get("html") if len(self.notices) == 1 else None

    def document(self) -> dict[str, Any]:
        """What happened, for programs: values that JSON can hold."""
        return {
            "v": 1,
            "id": self.id,
            "plant": self.plant,
            "title": self.title,
            "text": self.text,
            "notices": [
                {"id": each.id, "what": each.what, "at": each.at.isoformat(), **each.body}
                for each in self.notices
            ],
        }
