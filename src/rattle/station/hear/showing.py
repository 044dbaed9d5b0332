"""Put a source's moment on the board, and tell the open pages what changed."""

from __future__ import annotations

from datetime import UTC, datetime

from rattle.scoring.budget.ledger import Ledger
from rattle.station.board import Board, SourceState
from rattle.station.events import Hub
from rattle.station.records import Operating

# A score is told at most once a second: windows follow each other by a little less than that, and
# come with the block that completes them.
BETWEEN_SCORES_S = 0.75


class Showing:
    """What the board and the pages are told of one source. ``at`` is UTC, seconds since 1970."""

    def __init__(self, source_id: str, machine_id: str, board: Board, hub: Hub) -> None:
        self._source_id, self._machine_id = source_id, machine_id
        self._board, self._hub = board, hub
        self._state: tuple[SourceState, str] | None = None
        self._operating: Operating | None = None
        self._stage = ""
        self._alarm: float | None = None
        self._watch: float | None = None
        self._told: float | None = None
        self._connections = 0

    @property
    def name(self) -> str:
        """What the source is called."""
        return self._board.sources()[self._source_id].name

    def connected(self) -> None:
        """Count that sound comes, where it did not before."""
        if self._state is None or self._state[0] not in ("live", "unfit"):
            self._connections += 1

    def state(self, state: SourceState, reason: str, at: float) -> None:
        """Show the source's state, and why it is so; the same again costs nothing."""
        if self._state == (state, reason):
            return
        changes: dict[str, object] = {"connections": self._connections}
        if self._state is None or self._state[0] != state:
            changes["since"] = datetime.fromtimestamp(at, UTC)
        self._state = (state, reason)
        if state not in ("live", "unfit"):
            # What was heard last is not what is heard now.
            changes |= {"score": None, "y": None, "level_db": None}
        now = self._board.set_source(self._source_id, state=state, reason=reason, **changes)
        self._hub.publish(
            "source",
            machine=self._machine_id,
            source=self._source_id,
            state=state,
            reason=reason,
            since=None if now.since is None else now.since.isoformat(),
        )

    def operating(self, operating: Operating) -> None:
        """Show whether the machine runs."""
        if operating == self._operating:
            return
        self._operating = operating
        self._board.set_source(self._source_id, operating=operating)
        self._hub.publish("machine", machine=self._machine_id, operating=operating)

    def ledger(self, ledger: Ledger) -> None:
        """Show what changes once a minute: stage, thresholds, what is expected of them."""
        alarm, watch = ledger.thresholds.get("alarm"), ledger.thresholds.get("watch")
        self._alarm = None if alarm is None else alarm.value
        self._watch = None if watch is None else watch.value
        self._board.set_source(
            self._source_id,
            stage=ledger.stage,
            minutes=ledger.heard,
            alarm=self._alarm,
            watch=self._watch,
            expected=None if alarm is None else alarm.expected_per_week,
            upper=None if alarm is None else alarm.upper_per_week,
        )
        if self._stage not in ("", ledger.stage):
            self._hub.publish("machine", machine=self._machine_id, stage=ledger.stage)
        self._stage = ledger.stage

    def window(
        self,
        heard_at: datetime,
        score: float | None,
        y: float | None,
        level_db: float | None,
        *,
        lag_s: float,
        dropped_s: float,
        at: float,
    ) -> None:
        """Show a window that ended at ``heard_at`` and was judged at ``at``."""
        self._board.set_source(
            self._source_id,
            heard_at=heard_at,
            score=score,
            y=y,
            level_db=level_db,
            lag_s=round(lag_s, 3),
            dropped_s=round(dropped_s, 1),
        )
        if self._told is not None and 0 <= at - self._told < BETWEEN_SCORES_S:
            return
        self._told = at
        self._hub.publish(
            "score",
            machine=self._machine_id,
            source=self._source_id,
            at=heard_at.isoformat(),
            score=score,
            y=y,
            level_db=level_db,
            alarm=self._alarm,
            watch=self._watch,
        )
