"""Say which clips are left out because nothing, or nothing more, can be learnt from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# Files that are named; the rest is counted.
NAMED = 3


@dataclass(frozen=True)
class Unfit:
    """Files that are left out of ``of``, each with its fault; ``what`` they are, in a word."""

    files: tuple[tuple[str, str], ...] = ()
    of: int = 0
    what: str = "clips"

    def __bool__(self) -> bool:
        return bool(self.files)

    def __str__(self) -> str:
        named = ", ".join(f"{path} ({fault})" for path, fault in self.files[:NAMED])
        more = f" and {len(self.files) - NAMED} more" if len(self.files) > NAMED else ""
        return f"{len(self.files)} of {self.of} {self.what} are left out: {named}{more}"

    @classmethod
    def of_each(cls, faults: Iterable[tuple[str, str]], what: str = "clips") -> Unfit:
        """Take those of some files, each with its fault or none, that have one."""
        every = list(faults)
        return cls(tuple(sorted(file for file in every if file[1])), len(every), what)
