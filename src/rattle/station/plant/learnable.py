"""Gather what a machine's heads are learnt from: its base, and all that is stored of its sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy.orm import Session

from rattle.bundle.file import Bundle, read_bundle
from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.rule import AlarmRule
from rattle.station.board import Board
from rattle.station.config.model import Machine, Plant
from rattle.station.learn.candidate import Stored
from rattle.station.learn.incidents import Stood
from rattle.station.learn.labels import Base
from rattle.station.learn.replay import Kept, Voice
from rattle.station.plant.releases import Release
from rattle.station.store.tables import MachineRow, ReleaseRow

HEAD: Literal["head"] = "head"
GIVEN = "given"


@dataclass(frozen=True)
class Learnable:
    """A machine, its live release, and the ones that it learns from.

    base: what its heads set out from, the release that brought the ``encoder`` in use. root: what
    its encoders set out from, the bundle that the file names.
    """

    machine: Machine
    id: str
    live_id: str
    base_id: str
    base_path: Path
    encoder: str
    root_id: str


class Learnables:
    """Finds what there is of machines. ``releases`` are those that are opened to score, by id."""

    def __init__(
        self,
        file: Plant,
        board: Board,
        releases: Mapping[str, Release],
        now: Callable[[], datetime],
    ) -> None:
        self._file, self._board, self._releases, self._now = file, board, releases, now
        self._bundle: tuple[Path, Bundle] | None = None  # the last one that was read

    def of(self, session: Session, machine_id: str) -> Learnable | None:
        """Give a machine of the file; None for one that left it or has no release yet."""
        row = session.get_one(MachineRow, machine_id)
        machine = next((each for each in self._file.machine if each.name == row.name), None)
        live = None if row.live_release_id is None else session.get(ReleaseRow, row.live_release_id)
        if machine is None or live is None:
            return None
        base = live
        while base.kind == HEAD and base.parent_id is not None:
            base = session.get_one(ReleaseRow, base.parent_id)
        path = self._file.data / base.path
        root = root_of(session, base)
        return Learnable(machine, machine_id, live.id, base.id, path, base.encoder, root.id)

    def base(self, of: Learnable) -> tuple[Base, Scorer]:
        """Open the base to score; ``BundleError`` where its file cannot be read."""
        opened = self._releases.get(of.base_id)
        scorer = Scorer.load(of.base_path) if opened is None else opened.scorer
        rule = AlarmRule.parse(of.machine.alarm)
        return Base(of.base_id, of.encoder, Voice.of(scorer), rule), scorer

    def bundle(self, of: Learnable) -> Bundle:
        """Read the base whole; ``BundleError`` as above."""
        if self._bundle is None or self._bundle[0] != of.base_path:
            self._bundle = (of.base_path, read_bundle(of.base_path))
        return self._bundle[1]

    def stored(self, of: Learnable, encoder: str, stood: Sequence[Stood]) -> Stored:
        """Say what is kept of a machine's sound by an encoder."""
        machine = self._board.machine(of.id)
        sources = () if machine is None else machine.sources
        until = self._now()
        kept = {each.id: Kept(self._file.data, each.id, encoder, until) for each in sources}
        return Stored(kept, stood, of.machine.false_alarms_per_week)


def root_of(session: Session, release: ReleaseRow) -> ReleaseRow:
    """Find the bundle of the file from which a release came."""
    while release.kind != GIVEN and release.parent_id is not None:
        release = session.get_one(ReleaseRow, release.parent_id)
    return release
