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
from rattle.station.config.model import Machine
from rattle.station.learn.candidate import Ground, Stored
from rattle.station.learn.incidents import Stood
from rattle.station.learn.labels import Base
from rattle.station.learn.part import Sample
from rattle.station.learn.replay import Kept, Voice
from rattle.station.plant.releases import Release
from rattle.station.plant.roster import Roster
from rattle.station.store.tables import MachineRow, ReleaseRow

HEAD: Literal["head"] = "head"
GIVEN = "given"
# So much stored sound says how far a head is to go: evenly spread, in a fraction of a second.
HOURS = 12


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
        roster: Roster,
        board: Board,
        releases: Mapping[str, Release],
        now: Callable[[], datetime],
    ) -> None:
        self._roster, self._data = roster, roster.file.data
        self._board, self._releases, self._now = board, releases, now
        self._bundle: tuple[Path, Bundle] | None = None  # the last one that was read

    def of(self, session: Session, machine_id: str) -> Learnable | None:
        """Give a machine of the station; None for one that left it or has no release yet."""
        row = session.get_one(MachineRow, machine_id)
        machine = self._roster.machine(row.name)
        live = None if row.live_release_id is None else session.get(ReleaseRow, row.live_release_id)
        if machine is None or live is None:
            return None
        base = live
        while base.kind == HEAD and base.parent_id is not None:
            base = session.get_one(ReleaseRow, base.parent_id)
        path = self._data / base.path
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
        kept = {each.source_id: each for each in self._kept(of, encoder)}
        return Stored(kept, stood, of.machine.false_alarms_per_week)

    def ground(self, of: Learnable, stood: Sequence[Stood]) -> Ground:
        """Give what its heads set out from; ``BundleError`` as above."""
        base, scorer = self.base(of)
        kept = self._kept(of, of.encoder)
        share = of.machine.false_alarms_per_week / max(len(kept), 1)
        hours = max(HOURS // max(len(kept), 1), 1)
        samples = [
            Sample(
                each.source_id,
                each.hours(hours),
                [one for one in stood if one.source_id == each.source_id],
                share,
            )
            for each in kept
        ]
        return Ground(self._data, self.bundle(of), scorer, base, samples)

    def _kept(self, of: Learnable, encoder: str) -> list[Kept]:
        machine = self._board.machine(of.id)
        sources = () if machine is None else machine.sources
        until = self._now()
        return [Kept(self._data, each.id, encoder, until) for each in sources]


def root_of(session: Session, release: ReleaseRow) -> ReleaseRow:
    """Find the bundle of the file from which a release came."""
    while release.kind != GIVEN and release.parent_id is not None:
        release = session.get_one(ReleaseRow, release.parent_id)
    return release
