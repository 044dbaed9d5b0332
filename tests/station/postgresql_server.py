"""A PostgreSQL server for tests, and one of its own for a test that stops it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from here import lacking

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
USER = "postgres"


@dataclass
class Server:
    """A PostgreSQL server of its own, on a socket in its folder."""

    folder: Path

    def control(self, *words: str) -> None:
        """Run ``pg_ctl`` on it."""
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off"
        self.run(
            PROGRAMS[-1],
            "-D",
            self.folder / "data",
            "-o",
            options,
            "-l",
            self.folder / "log",
            *words,
        )

    def run(self, *words: object) -> None:
        """Run a program as the user who owns the server: it refuses to be root's."""
        command = [str(word) for word in words]
        if os.getuid() == 0:
            command = ["runuser", "-u", USER, "--", *command]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, timeout=60)

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@/postgres?host={self.folder}"

    def empty(self) -> str:
        """Empty its database; gives the URL."""
        address = self.url.replace("postgresql:", "postgresql+psycopg:")
        engine = create_engine(address, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        engine.dispose()
        return self.url


def _start_server() -> Iterator[Server]:
    if not PROGRAMS:
        lacking("PostgreSQL is not installed")
    if os.getuid() == 0 and shutil.which("runuser") is None:
        lacking("PostgreSQL does not run as root, and runuser is not installed")
    folder = Path(tempfile.mkdtemp(prefix="rattle-pg-"))
    if os.getuid() == 0:
        shutil.chown(folder, USER)
    server = Server(folder)
    try:
        server.run(
            PROGRAMS[-1].with_name("initdb"), "-D", folder / "data", "-U", USER, "-A", "trust", "-N"
        )
        server.control("-w", "start")
        yield server
        server.control("-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """The server that tests share."""
    yield from _start_server()


@pytest.fixture
def own_postgresql() -> Iterator[Server]:
    """A server that a test may stop."""
    yield from _start_server()
