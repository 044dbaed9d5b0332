"""Check where a station keeps what it hears, and where it is reached."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from rattle.station.config.amounts import shown_bytes
from rattle.station.config.finding import Finding
from rattle.station.config.model import Plant
from rattle.station.config.texts import address_of, is_loopback

ANSWERS_WITHIN_S = 5


def data_findings(plant: Plant) -> Iterator[Finding]:
    """Yield why the data folder cannot be written to, or is on a disk that is too small."""
    there = next(each for each in (plant.data, *plant.data.parents) if each.exists())
    try:
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "it is a file", str(there))
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        reason = f"{there} cannot be written to ({error.strerror})"
        yield Finding("error", "data", f"{reason}; choose another folder, or let this user write")
        return
    free, used = shutil.disk_usage(there).free, _size(plant.data)
    if plant.keep.clips > free + used:
        yield Finding(
            "warning",
            "keep.clips",
            f"{shown_bytes(plant.keep.clips)} are more than the disk of {there} has room for "
            f"({shown_bytes(free + used)}); the station will keep less",
        )


def _size(folder: Path) -> int:
    total = 0
    for at, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):  # it has gone meanwhile
                total += (Path(at) / name).lstat().st_size
    return total


def database_findings(plant: Plant) -> Iterator[Finding]:
    """Yield why a PostgreSQL database cannot be reached; its password is in no message."""
    url = plant.database.get_secret_value()
    if url == "sqlite":
        return
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        parts = {"host": "@"}
    port = str(parts.get("port") or "")
    # What is taken for host, port or name may be a piece of the password, and libpq tells it.
    others = [str(value) for name, value in parts.items() if name != "password"]
    if any("@" in each for each in others) or not re.fullmatch(r"[\d,]*", port):
        yield Finding(
            "error",
            "database",
            "is no address of a database; in user and password @, / and : are written %40, %2F "
            "and %3A",
        )
        return
    try:
        psycopg.connect(url, connect_timeout=ANSWERS_WITHIN_S).close()
    except (psycopg.Error, UnicodeError) as error:
        said = " ".join(str(error).split())
        yield Finding(
            "error",
            "database",
            f"it cannot be reached ({said}); check host, port, name, user and password",
        )


def web_findings(plant: Plant) -> Iterator[Finding]:
    """Yield what keeps the page from its address, and who else reaches it there."""
    address = address_of(plant.web.bind)
    assert address is not None  # noqa: S101 - the model has it checked
    host, port = address
    reached = {"web.bind": host, "web.address": urlsplit(plant.web.address or "").hostname}
    for key, name in reached.items():
        if name is not None and not is_loopback(name):
            yield Finding(
                "warning",
                key,
                f"{name} is reached by other machines: the station starts there once it has an "
                "account",
                argument="account",
            )
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[
            0
        ]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(where)
    except OSError as error:
        yield _cannot_bind(host, port, error)


def _cannot_bind(host: str, port: int, error: OSError) -> Finding:
    if error.errno == errno.EADDRINUSE:
        # A file is checked too while its station runs.
        return Finding(
            "warning",
            "web.bind",
            f"port {port} is taken, by this station where it runs already; else stop the other "
            "program, or give another port",
        )
    remedy = "give a port from 1024 on" if error.errno == errno.EACCES else "give another address"
    return Finding("error", "web.bind", f"{host}:{port} cannot be had ({error.strerror}); {remedy}")
