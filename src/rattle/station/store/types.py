"""Column types that mean the same in SQLite and in PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary
from sqlalchemy.types import TypeDecorator

# Numbers count from 1 where the database gives them; SQLite does that for INTEGER alone.
Counter = BigInteger().with_variant(Integer, "sqlite")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Utc(TypeDecorator[datetime]):
    """A time with its zone, to the microsecond; SQLite has no zones, so it is stored as a number.

    Raises ``ValueError`` for a time without a zone: it would be another one elsewhere.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        since = value - EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


class Float32s(TypeDecorator[NDArray[np.float32]]):
    """Numbers ``[n]`` as bytes, four each."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(
        self, value: NDArray[np.float32] | None, dialect: Dialect
    ) -> bytes | None:
        return None if value is None else np.asarray(value, "<f4").tobytes()

    def process_result_value(
        self, value: bytes | None, dialect: Dialect
    ) -> NDArray[np.float32] | None:
        return None if value is None else np.frombuffer(value, "<f4")


class Float64s(TypeDecorator[NDArray[np.float64]]):
    """Numbers ``[n]`` as bytes, eight each: thresholds are fitted to these."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(
        self, value: NDArray[np.float64] | None, dialect: Dialect
    ) -> bytes | None:
        return None if value is None else np.asarray(value, "<f8").tobytes()

    def process_result_value(
        self, value: bytes | None, dialect: Dialect
    ) -> NDArray[np.float64] | None:
        return None if value is None else np.frombuffer(value, "<f8")
