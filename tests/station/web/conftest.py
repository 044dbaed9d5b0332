"""The app of the made-up plant, asked by people and programs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asked import BASE, Asking, add_accounts
from fastapi import FastAPI
from fastapi.testclient import TestClient
from made_up_station import MadeUpStation

from rattle.station.web.app import build_app


@pytest.fixture
def app(station: MadeUpStation) -> FastAPI:
    return build_app(station.context)


@pytest.fixture
def asking(app: FastAPI) -> Iterator[Asking]:
    """Make a client: at which address it sits, and what it sends each time."""
    clients: list[TestClient] = []

    def ask(address: str = "127.0.0.1", base: str = BASE, **headers: str) -> TestClient:
        client = TestClient(
            app,
            base_url=base,
            client=(address, 50_000),
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            follow_redirects=False,
            raise_server_exceptions=False,
        )
        clients.append(client)
        return client

    yield ask
    for each in clients:
        each.close()


@pytest.fixture
def client(asking: Asking) -> TestClient:
    """Someone at the station's own computer."""
    return asking()


@pytest.fixture
def tokens(station: MadeUpStation) -> dict[str, str]:
    """A token of an account of each role; the accounts are called as their roles."""
    return add_accounts(station)
