"""Read the clock; tests give another."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Say what time it is."""
    return datetime.now(UTC)
