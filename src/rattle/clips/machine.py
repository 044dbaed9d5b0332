"""A machine: the thing a detector is trained for."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
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
    def named(cls, type_: str, id_: str = "") -> Machine:
        """Name a machine in Unicode's composed form, without spaces around its type and id.

        One file system has ``é`` as two characters. Python's other means, ``Machine(type, id)``, is
        for names that are in that form.
        """
        type_, id_ = (unicodedata.normalize("NFC", name).strip() for name in (type_, id_))
        return cls(type_, id_)

    @classmethod
    def parse(cls, text: str) -> Machine:
        """Read ``"fan/id_00"`` or ``"press-3"`` as a machine; ``DataError`` for anything else."""
        type_, _, id_ = text.partition("/")
        # Names become names of files and folders.
        if not type_ or "/" in id_ or text in (".", ".."):
            raise DataError(
                f"{text!r} does not name a machine; write it as type/id, for example fan/id_00"
            )
        return cls.named(type_, id_)

    def __str__(self) -> str:
        return f"{self.type}/{self.id}" if self.id else self.type

    def of_set(self, name: str) -> Machine:
        """Name the machine by its set too: ``fan@dcase2021/section_00``."""
        return Machine(f"{self.type}@{name}", self.id)

    def is_namesake(self, other: Machine) -> bool:
        """Tell whether both are called the same but for the set: the same machine, perhaps."""
        return self.id == other.id and self.type.split("@")[0] == other.type.split("@")[0]

    @property
    def slug(self) -> str:
        """The machine as a file name: ``fan_id_00``."""
        return f"{self.type}_{self.id}" if self.id else self.type


def twins(machines: Iterable[Machine]) -> list[tuple[Machine, Machine]]:
    """List the pairs of machines whose files would have the same name.

    Capitals tell no names apart: on Windows and macOS they tell no files apart.

    >>> twins([Machine("fan", "id_00"), Machine("Fan", "ID_00"), Machine("pump", "")])
    [(Machine(type='fan', id='id_00'), Machine(type='Fan', id='ID_00'))]
    """
    by_name: dict[str, Machine] = {}
    pairs = []
    for machine in machines:
        first = by_name.setdefault(machine.slug.casefold(), machine)
        if first != machine:
            pairs.append((first, machine))
    return pairs
