"""Record the machines that are being enrolled: a thread for the source of each.

What only the running station knows of an enrolment is here: how its source is, and how loud.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import RLock

from rattle.errors import RattleError
from rattle.station.config.model import Machine, Plant
from rattle.station.enrol.now import Encoder
from rattle.station.enrol.piece import Piece
from rattle.station.enrol.pieces import FOLDER, Pieces
from rattle.station.enrol.recording import Heard, Recording
from rattle.station.enrol.wanted import machine_of
from rattle.station.hear.listener import Listener
from rattle.station.hear.push import PushInbox
from rattle.station.hear.sources import source_of
from rattle.station.store.enrolments import Enrolment

_log = logging.getLogger(__name__)

STOPPED_WITHIN_S = 8.0

# Told what is new of an enrolment: how its source is, all that was recorded, and the newest piece.
OnHeard = Callable[[Enrolment, Machine, Heard, Sequence[Piece], Piece | None], None]


@dataclass(frozen=True)
class _Open:
    machine: Machine
    pieces: Pieces
    recording: Recording
    listener: Listener
    inbox: PushInbox | None


class Recorders:
    """The recordings that go on; asked from any thread."""

    def __init__(self, file: Plant, on_heard: OnHeard, now: Callable[[], datetime]) -> None:
        """``on_heard`` is called by the thread that records."""
        self._file, self._on_heard, self._now = file, on_heard, now
        self._lock = RLock()
        self._open: dict[str, _Open] = {}
        self._why: dict[str, str] = {}  # one cannot be recorded, by id
        self._machines: dict[str, Machine] = {}

    def machines(self) -> Sequence[Machine]:
        """List the machines that are recorded, or were and may be again.

        Who pushes their sound is to be told to wait, and not that there is no such source.
        """
        return [*self._machines.copy().values()]

    def know(self, row: Enrolment, encoder: Encoder) -> Machine:
        """Read the machine of one; ``ConfigError`` where it cannot be."""
        machine = self._machines[row.id] = machine_of(row.config, encoder.bundles[0])
        return machine

    def forget(self, id_: str) -> None:
        """Record one no more: it is watched now, or discarded."""
        self.end(id_)
        self._machines.pop(id_, None)

    def inbox(self, source: str) -> PushInbox | None:
        """Find the inbox of a pushed source of theirs."""
        inboxes = [each.inbox for each in self._open.copy().values()]
        return next((each for each in inboxes if each is not None and each.name == source), None)

    def heard(self, id_: str) -> Heard | None:
        """Say how the source of one is; None where it is not recorded."""
        why, each = self._why.get(id_), self._open.get(id_)
        if why is not None:
            return Heard("lost", why)
        return None if each is None else each.recording.now

    def pieces(self, id_: str) -> Pieces:
        """Give what was recorded of one."""
        each = self._open.get(id_)
        return Pieces(self._file.data / FOLDER / id_) if each is None else each.pieces

    def begin(self, row: Enrolment, encoder: Encoder) -> None:
        """Begin to record; where that cannot be, it is said, and tried at the next start."""
        try:
            machine = self.know(row, encoder)
            (source,) = machine.sources
            opened = source_of(source, encoder.audio.channel, self._file.data)
        except RattleError as error:
            self.refuse(row, str(error))
            return
        pieces = Pieces(self._file.data / FOLDER / row.id)
        recording = Recording(
            source.name,
            pieces,
            encoder.audio,
            piece_s=encoder.piece_s,
            keeps_speech=self._file.keep.speech == "keep",
            tell=lambda heard, piece: self._on_heard(row, machine, heard, pieces.all, piece),
        )
        listener = Listener(opened, recording, now=self._now)
        inbox = opened if isinstance(opened, PushInbox) else None
        with self._lock:
            self._why.pop(row.id, None)
            self._open[row.id] = _Open(machine, pieces, recording, listener, inbox)
        listener.start()

    def refuse(self, row: Enrolment, why: str) -> None:
        """Note why one cannot be recorded."""
        _log.warning("%s is not recorded: %s", row.name, why)
        self._why[row.id] = why

    def end(self, id_: str, patience_s: float = STOPPED_WITHIN_S) -> None:
        """Stop recording; what is no whole piece is lost."""
        with self._lock:
            each = self._open.pop(id_, None)
            self._why.pop(id_, None)
        if each is None:
            return
        each.listener.stop()
        if not each.listener.join(patience_s):
            _log.warning("%s: its source did not stop in time", each.machine.name)

    def end_all(self, patience_s: float) -> None:
        """Stop all of them, side by side."""
        each_open = self._open.copy()
        for each in each_open.values():
            each.listener.stop()
        for id_ in each_open:
            self.end(id_, patience_s)
