"""How many cases run: a few in every test run, all by ``make survive``, or those given by number.

``RATTLE_SURVIVE`` is ``all``, or the numbers of the cases to repeat, such as ``17,203``.
"""

from __future__ import annotations

import os

CHOSEN = os.environ.get("RATTLE_SURVIVE", "")


def cases(*, few: int, full: int) -> list[int]:
    """The numbers of the cases to run."""
    if CHOSEN in ("", "all"):
        return list(range(full if CHOSEN else few))
    return [int(number) for number in CHOSEN.split(",")]


def repeat(wrong: dict[int, str]) -> str:
    """What a failed test says: each case that went wrong, and how to run these alone."""
    numbers = ",".join(map(str, wrong))
    told = "\n".join(f"case {case}: {what}" for case, what in wrong.items())
    return f"{len(wrong)} cases went wrong; repeat them with RATTLE_SURVIVE={numbers}\n{told}"
