"""Photograph the station's pages, as the docs show them: python docs/screenshots.py

Takes the made-up plant of the tests and Debian's Chromium. Writes docs/figures/station/*.png.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from rattle.station.web.app import build_app
from rattle.station.web.server import Server

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "station"))

from busy_plant import fill_up  # noqa: E402 - they are no part of the package
from every_page import path_of  # noqa: E402
from made_up_station import (  # noqa: E402
    MadeUpStation,
    dispose,
    made_up_station,
    offer_head,
)

FOLDER = ROOT / "docs" / "figures" / "station"
COLOURS = 200
MOST_BYTES = 150_000
WIDE, NARROW = (1280, 800), (390, 844)
# name: (page, size, colour scheme)
SHOTS = {
    "wall": ("wall", WIDE, "light"),
    "wall-dark": ("wall", WIDE, "dark"),
    "machine": ("machine", (1280, 1100), "light"),
    "learning": ("machine#learning", (1280, 1000), "light"),
    "release": ("offered", (1280, 1180), "light"),
    "phone-release": ("offered", NARROW, "light"),
    "incidents": ("incidents", WIDE, "light"),
    "incident": ("incident", (1280, 1240), "light"),
    "review": ("review", (1280, 960), "light"),
    "review-dark": ("review", (1280, 960), "dark"),
    "enrolment": ("enrolment", (1280, 1120), "light"),
    "phone-enrolment": ("enrolment offered", NARROW, "dark"),
    "report": ("report", (1280, 1100), "light"),
    "health": ("health", WIDE, "light"),
    "settings": ("settings", WIDE, "light"),
    "login": ("login", (720, 480), "light"),
    "phone-wall": ("wall", NARROW, "light"),
    "phone-review": ("review", NARROW, "light"),
    "phone-report": ("report", NARROW, "light"),
    "phone-incident": ("incident", NARROW, "dark"),
    # The last one: the plant is filled up for it.
    "crowd": ("wall", (1920, 1080), "light"),
}
# A plant of many machines, on the screen on the wall.
CROWD = tuple(
    f"{what} {line}.{place}"
    for line in range(1, 10)
    for place, what in enumerate(
        (
            "infeed",
            "press",
            "spindle drive",
            "gearbox",
            "pump",
            "fan",
            "extruder",
            "robot",
            "packer",
            "conveyor",
        ),
        1,
    )
)


def main() -> None:
    """Write all pictures."""
    program = shutil.which("chromium")
    if program is None:
        sys.exit("chromium is not installed here: apt-get install chromium")
    FOLDER.mkdir(parents=True, exist_ok=True)
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder)) as (station, address),
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=program, args=options) as browser,
    ):
        for name, (word, size, scheme) in SHOTS.items():
            if name == "crowd":
                fill_up(station, CROWD, incidents=0)
            word, hash_, part = word.partition("#")
            path = path_of(word, station) + hash_ + part
            picture = photograph(browser, address + path, size, scheme)
            (FOLDER / f"{name}.png").write_bytes(picture)
            print(f"{name}.png  {len(picture) / 1000:.0f} kB")  # noqa: T201


@contextmanager
def served(folder: Path) -> Iterator[tuple[MadeUpStation, str]]:
    """Serve the made-up plant, full; its folder has a name as one on a real machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    station = made_up_station(folder / "rattle-station", bind=f"127.0.0.1:{port}")
    fill_up(station, incidents=11)
    station.releases["offered"] = offer_head(station)
    server = Server(build_app(station.context))
    try:
        yield station, server.start()
    finally:
        server.stop()
        dispose(station)


def photograph(browser: Browser, address: str, size: tuple[int, int], scheme: str) -> bytes:
    """Take a picture of what is seen without scrolling, in few colours, so that it is small."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        locale="en-GB",
        timezone_id="Europe/Berlin",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(address)
    page.locator("h1").wait_for()
    if page.locator("[data-timeline]").count():
        page.locator("[data-ready=yes]").wait_for()
    if page.locator("#live").count():
        page.get_by_text("live", exact=True).wait_for()
    page.wait_for_load_state("load")
    if part := urlsplit(address).fragment:
        page.locator(f"#{part}").evaluate("element => element.scrollIntoView()")
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    context.close()
    for colours in (COLOURS, COLOURS // 2, COLOURS // 4, COLOURS // 8):
        file = io.BytesIO()
        shot.quantize(colours, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
        if file.tell() <= MOST_BYTES:
            break
    return file.getvalue()


if __name__ == "__main__":
    main()
