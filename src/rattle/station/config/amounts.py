"""Read amounts as people write them: ``20 GB``, ``60 days``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
# More is a slip, and no date lies so far back that much more could be reckoned with.
MOST_TB, MOST_YEARS = 1_000_000, 100
MOST_BYTES, MOST_DAYS = MOST_TB * BYTES["TB"], MOST_YEARS * DAYS["year"]


def read_bytes(text: object) -> int:
    """Read an amount of storage.

    >>> read_bytes("20 GB")
    20000000000
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(MB|GB|TB)", text) if isinstance(text, str) else None
    count = 0.0 if found is None else float(found[1]) * BYTES[found[2]]
    if not 0 < count <= MOST_BYTES:
        raise ValueError(f'expected an amount such as "500 MB" or "20 GB", at most "{MOST_TB} TB"')
    return round(count)


def read_time(text: object) -> timedelta:
    """Read a span of time.

    >>> read_time("60 days").days
    60
    """
    written = r"(\d{1,9}) ?(day|week|month|year)s?"
    found = re.fullmatch(written, text) if isinstance(text, str) else None
    days = 0 if found is None else int(found[1]) * DAYS[found[2]]
    if not 0 < days <= MOST_DAYS:
        raise ValueError(
            f'expected a time such as "60 days" or "1 year", at most "{MOST_YEARS} years"'
        )
    return timedelta(days=days)


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
        raise ValueError(
            f'expected a time such as "30 days", at most "{MOST_YEARS} years", or "none"'
        ) from error


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
