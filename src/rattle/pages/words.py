"""Put numbers into words. Needs no other library."""

from __future__ import annotations


def counted(count: int, one: str, several: str = "") -> str:
    """Write ``1 clip``, ``2 clips``; ``several`` is the plural that adds more than an s."""
    return f"1 {one}" if count == 1 else f"{count:,} {several or one + 's'}"
