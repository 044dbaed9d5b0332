"""An ear with what it needs, made up: a scorer without a network, a judge with a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from made_up_scorer import MadeUpScorer
from rattle import Recipe
from rattle.listening.source import Block
from rattle.scoring.budget.judge import Judge
from rattle.scoring.budget.ledger import Account
from rattle.scoring.budget.rule import AlarmRule
from rattle.station.board import Board, MachineNow, SourceNow
from rattle.station.events import Hub
from rattle.station.hear.ear import Ear, Outputs
from rattle.station.hear.in_use import InUse
from rattle.station.hear.operating import Always
from rattle.station.judge.incidents import MachineIncidents
from rattle.station.judge.source_judge import SourceJudge
from rattle.station.judge.troubles import SourceTroubles
from rattle.station.records import IncidentChanged, Record

RATE_HZ = 16_000
BEGAN = datetime(2026, 3, 2, 6, 0, 0, tzinfo=UTC)
HOP_S = 31 * 512 / RATE_HZ
WINDOW_S = 63 * 512 / RATE_HZ
# Windows of 2 s, one each 0.992 s.
RECIPE = Recipe.load("small").with_values(
    features={"mel_bands": 16, "window_frames": 64}, network={"stem_stride": 1}
)
R = TypeVar("R", bound=Record)


def noise(seconds: float, level: float = 0.1, seed: int = 0) -> NDArray[np.float32]:
    """White noise ``[T, 1]``; the made-up scorer scores it by its level, quieter as odder."""
    samples = np.random.default_rng(seed).normal(0, level, (round(seconds * RATE_HZ), 1))
    return samples.astype(np.float32)


def account_of(level: float, heard: int = 3000) -> Account:
    """What a source knows whose threshold is a little above a level."""
    minutes = level + np.random.default_rng(0).gumbel(0, 1e-3, size=heard)
    judge = Judge(AlarmRule(), hop_s=HOP_S, budget_per_week=1.0, account=Account(minutes, heard))
    judge.ledger.refit()
    return judge.ledger.account()


@dataclass
class Kit:
    """A machine with one ear a source, and what they told."""

    account: Account = field(default_factory=Account)
    running: Any = field(default_factory=Always)
    sources: tuple[str, ...] = ("mic",)
    live: bool = True
    hop_s: float = HOP_S
    open_incident: IncidentChanged | None = None
    threshold_ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.told: list[Record] = []
        self.board, self.hub = Board(), Hub()
        of = [SourceNow(each, each, "fan", "push", "pushed") for each in self.sources]
        self.board.add(MachineNow("fan", "fan", 1.0, "always", "release", tuple(of)))
        self.scorer: Any = MadeUpScorer(RECIPE)
        self.incidents = MachineIncidents(
            "fan",
            tell=self.told.append,
            board=self.board,
            hub=self.hub,
            restored=self.open_incident,
        )
        self.troubles = {
            each: SourceTroubles(each, "fan", tell=self.told.append) for each in self.sources
        }
        self.judges = {each: self.judge(each, self.account) for each in self.sources}
        self.ears = {each: self.ear_of(each) for each in self.sources}
        self.at = BEGAN

    def judge(self, source: str, account: Account, release: str = "release") -> SourceJudge:
        return SourceJudge(
            source,
            release,
            Judge(AlarmRule(), hop_s=self.hop_s, budget_per_week=1.0, account=account, asks=True),
            self.incidents,
            tell=self.told.append,
            threshold_ids=self.threshold_ids,  # type: ignore[arg-type]
        )

    def ear_of(self, source: str) -> Ear:
        return Ear(
            source,
            "fan",
            InUse("release", self.scorer),
            self.judges[source],
            self.running,
            self.troubles[source],
            Outputs(self.told.append, self.board, self.hub),
            live=self.live,
        )

    @property
    def ear(self) -> Ear:
        return self.ears[self.sources[0]]

    @property
    def now(self) -> SourceNow:
        return self.board.sources()[self.sources[0]]

    def hear(
        self,
        sound: NDArray[np.float32],
        *,
        lengths: Sequence[int] = (RATE_HZ // 4,),
        source: str = "",
        gap: str = "",
        is_clock_moved: bool = True,
    ) -> None:
        """Push sound in blocks of these lengths, over and over; the clock goes with it."""
        ear = self.ears[source] if source else self.ear
        place = number = 0
        at = self.at
        while place < len(sound):
            piece = sound[place : place + lengths[number % len(lengths)]]
            place += len(piece)
            end = at + timedelta(seconds=place / RATE_HZ)
            ear.push(Block(piece, RATE_HZ, gap if not number else ""), end)
            number += 1
        if is_clock_moved:
            self.at = at + timedelta(seconds=place / RATE_HZ)

    def of(self, kind: type[R]) -> list[R]:
        """What was told of a kind."""
        return [record for record in self.told if isinstance(record, kind)]
