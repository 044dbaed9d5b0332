"""State how an enrolment is at this moment, for pages and API, and what they ask of the station."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rattle.recipe.parts import Audio
from rattle.station.config.model import Machine
from rattle.station.enrol.checks import Checked
from rattle.station.enrol.piece import Piece
from rattle.station.enrol.recording import Heard
from rattle.station.enrol.wanted import Wanted
from rattle.station.store.enrolments import Enrolment


@dataclass(frozen=True)
class Encoder:
    """An encoder that machines of the plant share: the hash of its graph, whose bundles have it.

    piece_s: the length of the recordings that a head is fitted to.
    """

    id: str
    machines: tuple[str, ...]
    bundles: tuple[Path, ...]
    audio: Audio
    piece_s: float

    @property
    def highest_khz(self) -> float:
        """Up to where it hears."""
        return self.audio.sample_rate_hz / 2000


@dataclass(frozen=True)
class EnrolmentNow:
    """An enrolment, and what this station knows of it.

    is_here: whether it is this station's. heard: how its source is; None where it is not recorded
    now. progress: how far its detector is, while that is made. machine_id: of one that is watched.
    """

    row: Enrolment
    is_here: bool
    heard: Heard | None = None
    pieces: Sequence[Piece] = ()
    checked: Checked | None = None
    progress: str = ""
    machine_id: str = ""


class Enrolling(Protocol):
    """What pages and API ask of the running station; its errors are sentences for people."""

    def encoders(self) -> Sequence[Encoder]:
        """List the encoders that a machine can be enrolled on."""

    def machines(self) -> Sequence[Machine]:
        """List the machines that are recorded, or were and may be again, with their secrets."""

    def every(self) -> Sequence[EnrolmentNow]:
        """List all enrolments but those that were discarded."""

    def one(self, id_: str) -> EnrolmentNow | None:
        """Give one; None where there is none of that id."""

    def begin(self, wanted: Wanted, who: str) -> str:
        """Begin to record a new machine; gives its id. Raises ``ConfigError``, ``DataError``."""

    def record(self, id_: str, who: str) -> None:
        """Record it on; raises ``DataError`` where that cannot be, as all below."""

    def fit(self, id_: str, who: str) -> None:
        """Make its detector, soon."""

    def accept(self, id_: str, who: str) -> None:
        """Watch the machine from now on."""

    def discard(self, id_: str, who: str) -> None:
        """Remove all of it; of a machine that is watched its past stays."""
