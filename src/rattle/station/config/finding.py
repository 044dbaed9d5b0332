"""A finding: what will not work in a plant's file that could be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """What is wrong with the value of ``key``, such as ``machine[2].sources[0].url``.

    An error keeps the station, or that machine or source, from working; a warning does not.
    ``argument`` is as that of ``RattleError``: the command line adds what to type.
    """

    level: Literal["error", "warning"]
    key: str
    message: str
    argument: str = ""
