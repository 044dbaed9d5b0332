"""Open the database: SQLite or PostgreSQL, by the same code."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Database:
    """A database whose schema is up to date."""

    engine: Engine

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session to read in."""
        with Session(self.engine) as session:
            yield session

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """Give a session whose changes are committed at the end, or undone by an error."""
        with Session(self.engine) as session, session.begin():
            yield session
