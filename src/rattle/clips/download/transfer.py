"""Fetch one file over HTTP, resuming what an earlier attempt left behind."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import requests

from rattle.atomic import writing
from rattle.errors import DownloadError

# Bytes at hand, and bytes in all where the server says so.
Progress = Callable[[int, int | None], None]

CHUNK_BYTES = 1 << 18
TIMEOUT_S = (10.0, 60.0)  # to connect, and between two reads
ATTEMPTS = 5  # in a row without a new byte
TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class _NotYet(Exception):  # noqa: N818 - an interruption to go on from, not an error
    """The transfer stopped where another attempt may go on."""


def fetch(
    url: str,
    to: Path,
    *,
    md5: str | None,
    progress: Progress | None = None,
    pause_s: float = 1.0,
) -> None:
    """Write the file at ``url`` to ``to``, which appears only when whole and checked.

    Bytes are gathered in ``<to>.part``. A later call goes on from there where the server
    supports ranges, and starts anew where it does not. A broken connection is taken up again
    after ``pause_s``, doubled each time, until five attempts in a row bring nothing.

    Raises ``DownloadError`` when the server refuses, the connection stays down, or the MD5 sum
    differs; only in the last case is the partial file deleted.
    """
    part = to.with_name(to.name + ".part")
    failures = 0
    while True:
        before = _size(part)
        try:
            _transfer(url, part, progress or (lambda have, total: None))
            break
        except (_NotYet, requests.RequestException) as error:
            failures = 0 if _size(part) > before else failures + 1
            if failures == ATTEMPTS:
                raise DownloadError(
                    f"{url}: no answer or a broken connection {ATTEMPTS} times in a row ({error}); "
                    f"{_size(part)} bytes are kept in {part}, run the command again to go on"
                ) from error
            time.sleep(pause_s * 2**failures)
    if md5 is not None:
        check_md5(part, md5)
    part.replace(to)


def check_md5(path: Path, md5: str) -> None:
    """Delete the file and raise ``DownloadError`` when its MD5 sum is not ``md5``."""
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if actual != md5:
        path.unlink()
        raise DownloadError(
            f"{path}: MD5 {actual} found, {md5} expected; the file was deleted, run the command "
            "again, and if that does not help the published file has changed"
        )


def _transfer(url: str, part: Path, progress: Progress) -> None:
    """Make one attempt; return when the server's last byte is in ``part``."""
    have = _size(part)
    headers = {"Accept-Encoding": "identity"}  # so that lengths count the file's own bytes
    if have:
        headers["Range"] = f"bytes={have}-"
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
        status = response.status_code
        if status == 416:
            # Nothing lies beyond what we have: it is whole, or longer than the file and useless.
            if _total(response) == have:
                return
            part.unlink()
            raise _NotYet("the partial file does not fit the server's and was dropped")
        if status in TRY_AGAIN:
            raise _NotYet(f"status {status}")
        if status not in (200, 206):
            raise DownloadError(f"{url}: the server answers {status} {response.reason}")
        if status == 206 and _start(response) != have:
            part.unlink(missing_ok=True)
            raise _NotYet("the server resumed at another byte than asked for")
        total = _total(response)
        have = have if status == 206 else 0
        with part.open("ab" if have else "wb") as file:
            progress(have, total)
            for chunk in response.iter_content(CHUNK_BYTES):
                with writing(part):
                    file.write(chunk)
                    file.flush()
                have += len(chunk)
                progress(have, total)
    if total is not None and have != total:
        raise _NotYet(f"{have} of {total} bytes came")


def _start(response: requests.Response) -> int | None:
    """Read the first byte of ``Content-Range: bytes 100-199/200``."""
    first = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdecimal() else None


def _total(response: requests.Response) -> int | None:
    """Read the whole file's length, from ``Content-Range`` or else ``Content-Length``."""
    header = response.headers.get("Content-Range")
    if header is None:
        header = response.headers.get("Content-Length", "")
    length = header.rpartition("/")[2]
    return int(length) if length.isdecimal() else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
