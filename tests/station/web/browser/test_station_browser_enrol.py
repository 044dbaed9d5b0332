"""A person enrols a machine in a browser: a real station, a real encoder, sound that is pushed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from served_station import Served

from rattle.station.clock import utc_now
from rattle.station.config.model import Plant as PlantFile
from rattle.station.plant.station import Plant
from rattle.station.web.app import build_app
from rattle.station.web.context import Context
from rattle.station.web.server import Server

RATE_HZ = 16_000
TOKEN = "a-token-of-the-fan"  # noqa: S105
PATIENCE_MS = 60_000


@pytest.fixture
def address(tmp_path: Path, valve_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A station of one machine, which nobody pushes to."""
    monkeypatch.setenv("FAN_TOKEN", TOKEN)
    file = PlantFile.model_validate(
        {
            "plant": "hall",
            "data": tmp_path / "data",
            "web": {"bind": "127.0.0.1:0"},
            "machine": [
                {
                    "name": "valve",
                    "bundle": valve_file,
                    "sources": [{"name": "valve mic", "push": {"token": "nobody-has-it"}}],
                }
            ],
        }
    )
    plant = Plant(file)
    plant.start()
    context = Context(file, plant.database, plant.board, plant.hub, plant, plant.encoders, utc_now)
    server = Server(build_app(context))
    yield server.start()
    server.stop()
    plant.stop()


@pytest.fixture
def tab(chromium: Browser, address: str) -> Iterator[Page]:
    context: BrowserContext = chromium.new_context(base_url=address)
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def push(address: str, sound: np.ndarray, stop: threading.Event) -> None:
    """Send sound, over and over, twenty times as fast as it goes; while nobody takes it, wait."""
    headers = {"authorization": f"Bearer {TOKEN}"}
    pieces = np.split(sound, range(2 * RATE_HZ, len(sound), 2 * RATE_HZ))
    for piece in itertools.cycle(pieces):
        data = piece.astype("<f4").tobytes()
        while not stop.wait(0.1):
            # A station that makes a detector on a busy machine may take its time to answer.
            answer = httpx2.post(
                f"{address}/ingest/fan%20plc", content=data, headers=headers, timeout=60
            )
            if answer.status_code == 200:
                break
            assert answer.status_code in (429, 503), answer.text
        if stop.is_set():
            return


def test_the_whole_way_from_the_form_to_the_wall(
    tab: Page, address: str, fan_sound: np.ndarray
) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    tab.goto("/")
    tab.get_by_role("link", name="enrol a machine").click()
    tab.get_by_label("Name of the machine").fill("fan")
    expect(tab.get_by_label("Token")).to_be_hidden()
    tab.get_by_label("a program that sends it").check()
    expect(tab.get_by_label("Address")).to_be_hidden()
    tab.get_by_label("Token").fill("env:FAN_TOKEN")
    tab.get_by_label("Samples are").select_option("f32le")
    tab.get_by_label("Name of the source").fill("fan plc")
    tab.get_by_label("Minutes of running sound").fill("1.5")
    tab.get_by_role("button", name="Begin to record").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("fan is being recorded")
    expect(tab.get_by_text("Waiting for the first sound.")).to_be_visible()

    stop = threading.Event()
    sending = threading.Thread(target=push, args=(address, fan_sound, stop), daemon=True)
    sending.start()
    # Without a click: the page follows what is heard.
    expect(tab.get_by_role("row", name="How much ok")).to_be_visible()
    expect(tab.get_by_role("row", name="Microphone ok")).to_be_visible()
    expect(tab.locator(".plot .line").first).to_be_visible()
    expect(tab.locator("[data-now=level]")).to_contain_text("dB")
    tab.get_by_role("button", name="Make its detector", exact=True).click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("fan waits to be watched")
    expect(tab.get_by_role("heading", name="What could be heard")).to_be_visible()

    tab.get_by_role("button", name="Start watching").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("fan is watched")
    tab.get_by_role("link", name="To fan").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("fan")
    tab.goto("/")
    expect(tab.locator(".tile", has_text="fan")).to_contain_text("learning")
    assert sending.is_alive()  # it waited until someone took its sound again
    stop.set()
    sending.join(60)


def test_what_is_wrong_is_said_and_nothing_has_to_be_typed_again(tab: Page) -> None:
    tab.goto("/enrol")
    tab.get_by_label("Name of the machine").fill("valve")
    tab.get_by_label("Address").fill("rtsp://10.0.0.9/valve")
    tab.get_by_role("button", name="Begin to record").click()
    expect(tab.get_by_role("alert").first).to_contain_text("A machine of this plant is called")
    expect(tab.get_by_label("Address")).to_have_value("rtsp://10.0.0.9/valve")


def test_the_level_follows_the_sound_between_two_pieces(page: Page, served: Served) -> None:
    id_ = served.station.enrolments["recording"]
    page.goto(f"/enrol/{id_}")
    expect(page.locator("#live")).to_have_text("live")
    hub = served.station.context.hub
    hub.publish("score", machine=id_, source=id_, level_db=-12.4)
    expect(page.locator("[data-now=level]")).to_have_text("−12 dB")
    assert served.said == []
