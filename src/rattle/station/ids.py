"""Make ids that sort by time (ULID)."""

from __future__ import annotations

from datetime import datetime

from ulid import ULID


def new_id(at: datetime) -> str:
    """Make an id of that time; two of one millisecond differ, and sort by chance."""
    return str(ULID.from_datetime(at))
