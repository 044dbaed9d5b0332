"""The pages as a program reads them: no browser, the whole app."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from made_up_station import NOW, MadeUpStation

from rattle.station.web.app import build_app

SITE = "http://127.0.0.1:8765"


@pytest.fixture
def client(station: MadeUpStation) -> Iterator[TestClient]:
    """Someone at the station's own computer, whose clock goes on."""
    begun = time.monotonic()
    station.context = dataclasses.replace(
        station.context, now=lambda: NOW + timedelta(seconds=time.monotonic() - begun)
    )
    with TestClient(
        build_app(station.context),
        base_url=SITE,
        client=("127.0.0.1", 50_000),
        headers={"accept": "text/html", "origin": SITE},
    ) as client:
        yield client
