"""Remember who logged in: a signed cookie, good for 14 days, until logout or a new password.

The cookie is everything that the browser has; what it says is checked against the account at each
request, so that one who was removed, or whose password was changed, is out at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session as Reading

from rattle.atomic import writing
from rattle.station.store.reading.accounts import logged_out_since, password_hash

GOOD_FOR = timedelta(days=14)
COOKIE = "rattle"
SECRET_FILE = "session.key"  # noqa: S105

Session = MutableMapping[str, Any]


def begin(reading: Reading, session: Session, name: str, now: datetime) -> None:
    """Make it the session of that account; nothing of what it held before stays."""
    session.clear()
    session["id"] = secrets.token_hex(16)
    session["who"] = name
    session["since"] = now.timestamp()
    session["stamp"] = _stamp(password_hash(reading, name))


def account_name_of(reading: Reading, session: Session, now: datetime) -> str | None:
    """Name the account whose session it is; None where it is over or was none."""
    name, since = session.get("who"), session.get("since")
    if not isinstance(name, str) or not isinstance(since, int | float):
        return None
    begun = datetime.fromtimestamp(since, UTC)
    known = password_hash(reading, name)
    if known is None or now - begun > GOOD_FOR:
        return None
    if not hmac.compare_digest(str(session.get("stamp")), _stamp(known)):
        return None
    return None if session.get("id") in logged_out_since(reading, name, begun) else name


def session_key(folder: Path) -> str:
    """Read the key that signs sessions, made at the first start; only its owner can read it.

    Raises ``StorageError`` where it can be neither read nor written.
    """
    path = folder / SECRET_FILE
    with writing(path):
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
            file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.write(file, secrets.token_hex(32).encode())
                os.fsync(file)
                # Linked, not renamed: of two that start at once one key stands.
                os.link(beside, path)
            finally:
                os.close(file)
                beside.unlink()
        return path.read_text()


def _stamp(hash_: str | None) -> str:
    return hashlib.sha256((hash_ or "").encode()).hexdigest()[:16]
