"""A machine: the thing a detector is trained for."""

from __future__ import annotations

from typing import NamedTuple

from rattle.errors import DataError


class Machine(NamedTuple):
    """A machine type and an id, written ``type/id`` (``fan/id_00``).

    A site's own machine that has no id within its type has an empty ``id`` and is written by its
    type alone (``press-3``).
    """

    type: str
    id: str

    @classmethod
    def parse(cls, text: str) -> Machine:
        """Read ``"fan/id_00"`` or ``"press-3"`` as a machine; ``DataError`` for anything else."""
        type_, _, id_ = text.partition("/")
        # Names become names of files and folders.
        if not type_ or "/" in id_ or text in (".", ".."):
            raise DataError(
                f"{text!r} does not name a machine; write it as type/id, for example fan/id_00"
            )
        return cls(type_, id_)

    def __str__(self) -> str:
        return f"{self.type}/{self.id}" if self.id else self.type

    @property
    def slug(self) -> str:
        """The machine as a file name: ``fan_id_00``."""
        return f"{self.type}_{self.id}" if self.id else self.type
