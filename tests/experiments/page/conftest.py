"""Run folders made by hand, and pages written of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from html_page import HtmlPage
from made_up_runs import leave_run
from rattle import Recipe
from rattle.experiments.page.write import write_page
from rattle.runs.find import find_runs
from rattle.runs.read import Reading
from rattle.runs.run import Run

Leave = Callable[..., Path]
PageOf = Callable[..., HtmlPage]


@pytest.fixture(scope="session")
def leave(tiny_recipe: Recipe) -> Leave:
    """``leave(below, outcome)`` writes a run folder and gives it; see ``leave_run``."""
    return partial(leave_run, recipe=tiny_recipe)


@pytest.fixture(scope="session")
def read() -> Callable[[Path], tuple[list[Run], list[str]]]:
    """The runs below a folder, and what is noted of their files."""

    def runs_below(folder: Path) -> tuple[list[Run], list[str]]:
        reading = Reading()
        return [run for run in map(reading.run, find_runs([folder])) if run], reading.notes

    return runs_below


@pytest.fixture(scope="session")
def page_of() -> PageOf:
    """The page of the runs below a folder, written into it."""

    def make(folder: Path, *, scale: str = "fixed") -> HtmlPage:
        reading = Reading()
        runs = [run for run in map(reading.run, find_runs([folder])) if run]
        write_page(runs, reading, folder / "page.html", scale=scale)
        return HtmlPage((folder / "page.html").read_text(encoding="utf-8"))

    return make
