"""Tell which extra to install for a verb that takes more than scoring does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rattle.errors import RattleError


@contextlib.contextmanager
def taking_station() -> Iterator[None]:
    """Raise ``RattleError`` with the command to type where a library of the station is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "rattle"):
            raise
        raise RattleError(
            f"the station takes {package}, which is not installed here: "
            "pip install 'rattle[station]'"
        ) from None
