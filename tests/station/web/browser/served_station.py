"""A station that is served, and what browsers complain of."""

from __future__ import annotations

from dataclasses import dataclass, field

from fastapi import FastAPI
from made_up_station import MadeUpStation
from playwright.sync_api import Page


@dataclass
class Served:
    """A station that is served at ``address``; ``said`` is what browsers complained of."""

    station: MadeUpStation
    app: FastAPI
    address: str
    said: list[str] = field(default_factory=list)

    def watched(self, page: Page) -> Page:
        """Note what the page's console and its policy say."""
        page.on("console", lambda line: self._note(line.type, line.text))
        page.on("pageerror", lambda error: self.said.append(f"script: {error}"))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => "
            "console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI))"
        )
        return page

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.said.append(f"{kind}: {text}")
