"""Say which machines the station has: those of its file, and those that were enrolled."""

from __future__ import annotations

from rattle.station.config.model import Machine, Plant


class Roster:
    """The machines of a plant, which may change while it runs; read from any thread."""

    def __init__(self, file: Plant) -> None:
        self.file = file
        self._enrolled: tuple[Machine, ...] = ()

    @property
    def machines(self) -> tuple[Machine, ...]:
        """All of them, the file's first."""
        return (*self.file.machine, *self._enrolled)

    @property
    def enrolled(self) -> tuple[Machine, ...]:
        """Those that were enrolled."""
        return self._enrolled

    @property
    def plant(self) -> Plant:
        """What the file would say if it named all of them."""
        return self.file.model_copy(update={"machine": self.machines})

    def machine(self, name: str) -> Machine | None:
        """Find one by its name; None where there is none."""
        return next((each for each in self.machines if each.name == name), None)

    def with_machine(self, machine: Machine) -> Plant:
        """The plant with a further machine, which is not taken in yet."""
        return self.file.model_copy(update={"machine": (*self.machines, machine)})

    def without(self, name: str) -> Plant:
        """The plant without an enrolled machine, which is not taken out yet."""
        left = tuple(each for each in self.machines if each.name != name)
        return self.file.model_copy(update={"machine": left})

    def add(self, machine: Machine) -> None:
        """Take a machine in."""
        self._enrolled = (*self._enrolled, machine)

    def remove(self, name: str) -> None:
        """Take an enrolled machine out."""
        self._enrolled = tuple(each for each in self._enrolled if each.name != name)
