"""Gather what a machine's heads are learnt from: its base, and all that is stored of its sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from rattle.bundle.file import Bundle, read_bundle
from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.rule import AlarmRule
from rattle.station.board import Board
from rattle.station.config.model import Machine, Plant
from rattle.station.learn.candidate import Stored
from rattle.station.learn.incidents import Stood
from rattle.station.learn.labels import Base
from rattle.station.learn.replay import Voice, stored
from rattle.station.store.tables import MachineRow, ReleaseRow

HEAD = "head"


@dataclass(frozen=True)
class Learnable:
    """A machine, its live release, and the one that its heads set out from: opened, both ways."""

    machine: Machine
    id: str
    live_id: str
    base: Base
    bundle: Bundle
    scorer: Scorer


class Learnables:
    """Finds what there is of machines; bases are opened once."""

    def __init__(self, file: Plant, board: Board, now: Callable[[], datetime]) -> None:
        self._file, self._board, self._now = file, board, now
        self._opened: dict[str, tuple[Bundle, Scorer]] = {}

    def of(self, session: Session, machine_id: str) -> Learnable | None:
        """Give a machine of the file; None for one that left it or has no release yet.

        Raises ``BundleError`` where the base's file cannot be read.
        """
        row = session.get_one(MachineRow, machine_id)
        machine = next((each for each in self._file.machine if each.name == row.name), None)
        live = None if row.live_release_id is None else session.get(ReleaseRow, row.live_release_id)
        if machine is None or live is None:
            return None
        base = live
        while base.kind == HEAD and base.parent_id is not None:
            base = session.get_one(ReleaseRow, base.parent_id)
        bundle, scorer = self._open(self._file.data / base.path)
        rule = AlarmRule.parse(machine.alarm)
        of_base = Base(base.id, base.encoder, Voice.of(scorer), rule)
        return Learnable(machine, machine_id, live.id, of_base, bundle, scorer)

    def stored(self, of: Learnable, encoder: str, stood: Sequence[Stood]) -> Stored:
        """Read what is kept of a machine's sound by an encoder."""
        machine = self._board.machine(of.id)
        sources = () if machine is None else machine.sources
        pieces = {
            source.id: stored(self._file.data, source.id, encoder, self._now())
            for source in sources
        }
        return Stored(pieces, stood, of.machine.false_alarms_per_week)

    def _open(self, path: Path) -> tuple[Bundle, Scorer]:
        if path.name not in self._opened:
            self._opened[path.name] = (read_bundle(path), Scorer.load(path))
        return self._opened[path.name]
