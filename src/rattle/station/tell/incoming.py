"""Take what others publish: whether a machine runs, and samples of its sound.

rattle/PLANT/MACHINE/running/set   true or false, for a machine with running = "by tag"
rattle/PLANT/SOURCE/pcm            whole samples, as ``mqtt`` of the source says; 10 s at most

Stations of one plant get all of it; what is for a machine that another hears is left to that one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from rattle.station.board import MachineNow
from rattle.station.config.model import Plant
from rattle.station.tell.topics import ROOT, topic

RUNS = {b"true": True, b"false": False}


class Inbox(Protocol):
    """Where samples go."""

    def offer(self, data: bytes) -> bool:
        """Take the next samples; False, and nothing taken, where it is full.

        Half a sample at their end is left out: messages may be lost on the way.
        """


class RefusedError(Exception):
    """What came cannot be used, and why."""


class Incoming:
    """What the broker's messages are for; called from the broker's thread, and waits for nobody."""

    def __init__(
        self,
        plant: Plant,
        machines: Callable[[], Sequence[MachineNow]],
        set_running: Callable[[str, bool], None],
        inbox_of: Callable[[str], Inbox | None],
        is_known: Callable[[str], bool],
    ) -> None:
        """``machines`` gives those of this moment; ``inbox_of`` takes a source's name.

        ``inbox_of`` gives None where another station hears the source. ``is_known`` tells whether
        any station's file names a machine.
        """
        self._set_running, self._inbox_of, self._is_known = set_running, inbox_of, is_known
        self._plant, self._machines = plant.plant, machines
        self._sources = {
            topic(plant.plant, source.name, "pcm"): source.name
            for machine in plant.machine
            for source in machine.sources
            if source.mqtt is not None
        }
        # A tag of a machine that is not there is to be said, too.
        self.topics = (f"{ROOT}/{plant.plant}/+/running/set", *self._sources)

    def take(self, at: str, data: bytes) -> None:
        """Take a message; raises ``RefusedError`` that says why it cannot be used."""
        if at in self._sources:
            self._sound(self._sources[at], data)
            return
        named = (m for m in self._machines() if topic(self._plant, m.name, "running/set") == at)
        machine = next(named, None)
        if machine is not None:
            self._tag(machine, data)
        elif not self._is_known(at.split("/")[2]):
            raise RefusedError(f"{at}: there is no machine of that name")

    def _tag(self, machine: MachineNow, data: bytes) -> None:
        name = machine.name
        if machine.running != "by tag":
            raise RefusedError(
                f'whether {name} runs is not told by a tag; set running = "by tag" of this machine'
            )
        runs = RUNS.get(data.strip().lower())
        if runs is None:
            raise RefusedError(f"whether {name} runs: expected true or false, found something else")
        self._set_running(machine.id, runs)

    def _sound(self, source: str, data: bytes) -> None:
        inbox = self._inbox_of(source)
        if inbox is None:
            return
        if not inbox.offer(data):
            raise RefusedError(
                f"sound of {source} was dropped: its ear is behind, or it was more than 10 s in one"
            )
