"""Write values as they stand in ``plant.toml``, for a first file and for the page of all keys."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import BeforeValidator, SecretStr
from pydantic.fields import FieldInfo

from rattle.station.config.amounts import read_bytes, shown_bytes


def written(value: Any) -> str:
    """Write a value as TOML.

    >>> written('a "b"')
    '"a \\\\"b\\\\""'
    """
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Path):
        value = value.as_posix()
    if isinstance(value, timedelta):
        value = {0: "none", 365: "1 year"}.get(value.days, f"{value.days} days")
    return tomli_w.dumps({"x": value}).removeprefix("x = ").rstrip("\n")


def written_default(field: FieldInfo) -> str | None:
    """Write what a key is where the file does not say it; None where it has no such value."""
    if field.is_required() or field.default is None or field.default_factory is not None:
        return None
    is_bytes = any(
        isinstance(each, BeforeValidator) and each.func is read_bytes for each in field.metadata
    )
    if is_bytes:
        return written(shown_bytes(field.default).replace(".0 ", " "))
    return written(field.default)


def written_example(field: FieldInfo) -> str:
    """Write the default of a key or, where it has none, an example."""
    default = written_default(field)
    return written((field.examples or [""])[0]) if default in (None, "[]") else str(default)
