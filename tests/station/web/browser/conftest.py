"""The pages in a real browser: Debian's Chromium, over a real server, on the made-up plant."""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from made_up_station import NOW, MadeUpStation, dispose, station_again
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from served import serving
from served_station import Served

from here import lacking
from rattle.station.web.app import build_app

WIDE = {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a module's tests: its loop runs in this thread, where others start theirs."""
    program = shutil.which("chromium")
    if program is None:
        lacking("chromium is not installed here")
    with sync_playwright() as playwright:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@pytest.fixture
def ticking(station_template: MadeUpStation, tmp_path: Path) -> Iterator[MadeUpStation]:
    """The made-up plant, whose clock goes on."""
    shutil.copytree(station_template.context.file.data, tmp_path / "data")
    station = station_again(tmp_path / "data", station_template)
    begun = time.monotonic()
    station.context = dataclasses.replace(
        station.context, now=lambda: NOW + timedelta(seconds=time.monotonic() - begun)
    )
    yield station
    dispose(station)


@pytest.fixture
def served(ticking: MadeUpStation) -> Iterator[Served]:
    """The plant at an address of its own."""
    app = build_app(ticking.context)
    with serving(app) as at:
        yield Served(ticking, app, at.address)


@pytest.fixture
def wide(chromium: Browser, served: Served) -> Iterator[BrowserContext]:
    """A window on a desk."""
    context = chromium.new_context(viewport=WIDE, base_url=served.address, timezone_id="Asia/Tokyo")
    yield context
    context.close()


@pytest.fixture
def page(wide: BrowserContext, served: Served) -> Page:
    """A tab that is watched."""
    return served.watched(wide.new_page())
