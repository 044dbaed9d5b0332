"""State what the web part is given: it knows no threads and no sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from rattle.station.board import Board
from rattle.station.config.model import Machine, Samples
from rattle.station.config.model import Plant as PlantFile
from rattle.station.enrol.now import Enrolling
from rattle.station.events import Hub
from rattle.station.health import Health
from rattle.station.learn.material import Material
from rattle.station.store.database import Database


class Inbox(Protocol):
    """Where pushed samples go."""

    @property
    def push(self) -> Samples:
        """How they are written."""

    def offer(self, data: bytes) -> bool:
        """Take the next samples, all of them whole; False, and nothing taken, where it is full."""


class Encoders(Protocol):
    """What workers are given, and bring back."""

    @property
    def node(self) -> str:
        """The station, as jobs name it."""

    def material(self, job_id: str) -> Material:
        """List what a job's worker trains on; ``sqlalchemy.exc.NoResultFound`` for no such job."""

    def file_of(self, job_id: str, name: str) -> Path | None:
        """Find a file that a job's material names; None where it is not there any more."""

    def take(self, job_id: str, worker: str, upload: Path) -> bool:
        """Offer what a worker made of a job; False where that is not its own any more.

        Raises ``RattleError`` where it is no encoder of the machine.
        """


class Station(Protocol):
    """The running plant, as far as the web part asks it for something."""

    def reviewed(self, incident_ids: Sequence[str]) -> None:
        """Let the budget know that reviews of these were stored."""

    def promote(self, release_id: str, who: str, reason: str) -> None:
        """Let a release take the place of its machine's live one, soon.

        Raises ``DataError`` where that cannot be.
        """

    def set_running(self, machine_id: str, running: bool) -> None:
        """Say that a machine whose state is by tag runs, or does not."""

    def inbox(self, source_name: str) -> Inbox | None:
        """Find a pushed source's inbox; None where there is no such source."""

    @property
    def enrolling(self) -> Enrolling:
        """What enrols further machines."""

    def enrolled(self) -> Sequence[Machine]:
        """List the machines that were enrolled and are watched, which the file does not name."""

    def health(self) -> Health:
        """Say how the station is."""


@dataclass(frozen=True)
class Context:
    """Everything that pages and API are made of. ``now`` is the clock, UTC."""

    file: PlantFile
    database: Database
    board: Board
    hub: Hub
    station: Station
    encoders: Encoders
    now: Callable[[], datetime]

    @property
    def machines(self) -> Sequence[Machine]:
        """All machines with their secrets: the file's, those enrolled, and those about to be."""
        station = self.station
        # First these: one that is taken up between the two is in both, and never in neither.
        about_to_be = station.enrolling.machines()
        return [*self.file.machine, *station.enrolled(), *about_to_be]
