"""Pages written of run folders made by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from html_page import HtmlPage
from rattle.experiments.page.write import write_page
from rattle.runs.find import find_runs
from rattle.runs.read import Reading

PageOf = Callable[..., HtmlPage]


@pytest.fixture(scope="session")
def page_of() -> PageOf:
    """The page of the runs below a folder, written into it."""

    def make(folder: Path, *, scale: str = "fixed") -> HtmlPage:
        reading = Reading()
        runs = [run for run in map(reading.run, find_runs([folder])) if run]
        write_page(runs, reading, folder / "page.html", scale=scale)
        return HtmlPage((folder / "page.html").read_text(encoding="utf-8"))

    return make
