"""Read amounts as people write them: ``20 GB``, ``60 days``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}


def read_bytes(text: object) -> int:
    """Read an amount of storage.

    >>> read_bytes("20 GB")
    20000000000
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(MB|GB|TB)", text) if isinstance(text, str) else None
    if found is None or not float(found[1]) > 0:
        raise ValueError('expected an amount such as "500 MB" or "20 GB"')
    return round(float(found[1]) * BYTES[found[2]])


def read_time(text: object) -> timedelta:
    """Read a span of time.

    >>> read_time("60 days").days
    60
    """
    found = re.fullmatch(r"(\d+) ?(day|week|month|year)s?", text) if isinstance(text, str) else None
    if found is None or int(found[1]) < 1 or int(found[1]) > 100_000:
        raise ValueError('expected a time such as "60 days" or "1 year"')
    return timedelta(days=int(found[1]) * DAYS[found[2]])


def read_time_or_none(text: object) -> timedelta:
    """Read a span of time, which may be "none".

    >>> read_time_or_none("none")
    datetime.timedelta(0)
    """
    if text == "none":
        return timedelta()
    try:
        return read_time(text)
    except ValueError as error:
        raise ValueError('expected a time such as "30 days", or "none"') from error


def shown_bytes(count: int) -> str:
    """Write an amount of storage.

    >>> shown_bytes(1_340_000_000)
    '1.3 GB'
    """
    for unit, size in sorted(BYTES.items(), key=lambda each: -each[1]):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1000:.0f} kB"


Bytes = Annotated[int, BeforeValidator(read_bytes)]
Time = Annotated[timedelta, BeforeValidator(read_time)]
TimeOrNone = Annotated[timedelta, BeforeValidator(read_time_or_none)]
