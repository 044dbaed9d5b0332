"""Who asks the made-up plant in tests: accounts, and clients of theirs."""

from __future__ import annotations

from collections.abc import Callable

from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from made_up_station import MadeUpStation

from rattle.station.store.credentials import ROLES, Credentials

BASE = "http://127.0.0.1:8765"
PASSWORD = "correct horse battery"  # noqa: S105
Asking = Callable[..., TestClient]


def add_accounts(station: MadeUpStation) -> dict[str, str]:
    """Add an account of each role, and give a token of each."""
    # As little work as a hash can be.
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    credentials = Credentials(station.context.database, hasher)
    at = station.context.now()
    tokens = {}
    for role in ROLES:
        credentials.add_account(role, PASSWORD, role, who="test", at=at)
        tokens[role] = credentials.new_token(role, "test", who="test", at=at)
    return tokens
