"""Say whether a machine runs: always, by the level of its sound, or by a tag.

Only sound of a machine that runs is scored. Times are UTC, seconds since 1970.
"""

from __future__ import annotations

from typing import Protocol

from rattle.errors import DataError
from rattle.runtime.scorer import Scorer
from rattle.station.config.model import Machine
from rattle.station.hear.segment import SILENCE_DBFS
from rattle.station.records import Operating

HYSTERESIS_DB = 3.0
PATIENCE_S = 5
# Below this there is no sound at all, as clips.fitness has it.
OFF_BELOW_DBFS = -80.0
# Without a level in plant.toml, it runs from so far below the softest training clip on.
BELOW_SOFTEST_DB = 12.0


class Running(Protocol):
    """Tells whether a machine runs, second by second."""

    @property
    def state(self) -> Operating: ...

    def second(self, at: float, level_db: float | None) -> None:
        """Take a second of sound, which ended at ``at``."""

    def ran(self, start: float, end: float) -> bool:
        """Whether it ran all the time of a window; the seconds up to its end were taken."""


class Always:
    """It always runs."""

    state: Operating = "running"

    def second(self, at: float, level_db: float | None) -> None: ...

    def ran(self, start: float, end: float) -> bool:
        return True


class ByLevel:
    """It runs from ``above_dbfs`` on for 5 s, until it is 3 dB below that for 5 s.

    A pause of less than 5 s counts as running; while one goes on no window is scored, since it may
    be the end. Below silence it is off, else idle; unknown for the first 5 s.
    """

    def __init__(self, above_dbfs: float) -> None:
        self.above_dbfs = above_dbfs
        self.state: Operating = "unknown"
        self._since = 0.0
        self._above = self._below = self._silent = 0

    def second(self, at: float, level_db: float | None) -> None:
        level = SILENCE_DBFS if level_db is None else level_db
        running = self.state == "running"
        is_above = level >= self.above_dbfs - (HYSTERESIS_DB if running else 0.0)
        if is_above and not self._above:
            self._since = self._since if running else at - 1
        # Not in the future, where the clock was set back: no window would be scored until then.
        self._since = min(self._since, at - 1)
        self._above = self._above + 1 if is_above else 0
        self._below = 0 if is_above else self._below + 1
        self._silent = self._silent + 1 if level < OFF_BELOW_DBFS else 0
        if self._above >= PATIENCE_S:
            self.state = "running"
        elif self._below >= PATIENCE_S:
            self.state = "off" if self._silent >= PATIENCE_S else "idle"

    def ran(self, start: float, end: float) -> bool:
        return self.state == "running" and not self._below and start >= self._since


class ByTag:
    """It runs when someone says so; unknown until then."""

    def __init__(self) -> None:
        self.state: Operating = "unknown"
        self._since = 0.0

    def tag(self, running: bool, at: float) -> None:
        """Say that it runs from ``at`` on, or does not."""
        if running and self.state != "running":
            self._since = at
        self.state = "running" if running else "idle"

    def second(self, at: float, level_db: float | None) -> None:
        self._since = min(self._since, at)

    def ran(self, start: float, end: float) -> bool:
        return self.state == "running" and start >= self._since


def running_of(machine: Machine, scorer: Scorer) -> Running:
    """Make what tells whether a machine runs, for one of its sources.

    Raises ``DataError`` where it is told by a level, and neither file nor bundle say which.
    """
    if machine.running == "always":
        return Always()
    if machine.running == "by tag":
        return ByTag()
    if machine.running_above_dbfs is not None:
        return ByLevel(machine.running_above_dbfs)
    recorder = scorer.info.recorder
    if recorder is None:
        raise DataError(
            f"machine {machine.name}: {machine.bundle} does not say how loud its training clips "
            "are, so that running cannot be told by level; set running_above_dbfs to the level, in "
            "dBFS, from which on the machine runs"
        )
    return ByLevel(recorder.level_dbfs[0] - BELOW_SOFTEST_DB)
