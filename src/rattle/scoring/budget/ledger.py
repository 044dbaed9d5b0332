"""Keep the account of a machine: its minutes, its incidents, and the thresholds that follow.

Nothing here knows the time of day: minutes are counted as they are heard, since the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rattle.scoring.budget.fit import BudgetThreshold, Experience, Tail
from rattle.scoring.budget.minutes import (
    CALM_MINUTES,
    MINUTES_A_DAY,
    MINUTES_A_WEEK,
    MINUTES_AN_HOUR,
    around,
)
from rattle.scoring.budget.rule import Values
from rattle.scoring.budget.stages import KEPT_MINUTES, LEARNT_AFTER_MINUTES, Stage, stage_of

Level = Literal["watch", "alarm"]
Verdict = Literal["normal", "anomaly", "unsure"]
Change = Literal["raised", "ended"]
LEVELS: tuple[Level, ...] = ("watch", "alarm")
# A moment passed no threshold: it is among the oddest, and was picked for a person to listen to.
IncidentLevel = Literal["moment", "watch", "alarm"]
INCIDENT_LEVELS: tuple[IncidentLevel, ...] = ("moment", *LEVELS)
# Incidents of each level, in budgets: watch is for looking at, alarm for waking someone.
SHARES: dict[Level, float] = {"watch": 7.0, "alarm": 1.0}


@dataclass(frozen=True)
class Incident:
    """A run of minutes above a level: its first and last one above, by number, and the highest.

    ``threshold`` is what it passed when it began; of a moment, and of what another detector raised,
    it is its peak. ``verdict`` is what a person said of it; None where nobody has.
    """

    level: IncidentLevel
    first: int
    last: int
    peak: float
    threshold: float
    verdict: Verdict | None = None

    @property
    def is_raised(self) -> bool:
        """Whether it passed a threshold of this detector."""
        return self.peak > self.threshold


@dataclass(frozen=True)
class Account:
    """What a ledger knows, to be stored and read again.

    minutes: M of the last 28 days ``[T]``. heard: how many there ever were. incidents: those of
    that time. open: levels with an incident that goes on. calm: minutes since its last one above.
    thresholds: by level, none while learning. fitted: minutes heard when they were fitted.
    """

    minutes: Values = field(default_factory=lambda: np.empty(0))
    heard: int = 0
    incidents: tuple[Incident, ...] = ()
    calm: dict[Level, int] = field(default_factory=dict)
    thresholds: dict[Level, BudgetThreshold] = field(default_factory=dict)
    fitted: int = 0


class Ledger:
    """The account of one machine, by one detector and one rule."""

    def __init__(
        self, budget_per_week: float, account: Account | None = None, *, asks: bool = False
    ) -> None:
        """``asks`` is for where people review alarms: no refit silences one before they did."""
        self._asks = asks
        account = Account() if account is None else account
        self.budget_per_week = budget_per_week
        self.heard = account.heard
        self.incidents = list(account.incidents)
        self.thresholds = dict(account.thresholds)
        self._calm = dict(account.calm)
        self.fitted = account.fitted
        # Twice as long as what is kept, so that it is moved to its beginning once in 28 days.
        self._minutes = np.empty(2 * KEPT_MINUTES)
        self._length = len(account.minutes)
        self._minutes[: self._length] = account.minutes

    @property
    def minutes(self) -> Values:
        """M of the last 28 days of running ``[T]``."""
        return self._minutes[max(self._length - KEPT_MINUTES, 0) : self._length]

    @property
    def stage(self) -> Stage:
        return stage_of(self.heard)

    @property
    def first_kept(self) -> int:
        """The number of the first of ``minutes``."""
        return self.heard - len(self.minutes)

    def account(self) -> Account:
        """Give what is to be stored."""
        return Account(
            self.minutes.copy(),
            self.heard,
            tuple(self.incidents),
            dict(self._calm),
            dict(self.thresholds),
            self.fitted,
        )

    def is_open(self, level: Level) -> bool:
        """Whether an incident of that level goes on."""
        return level in self._calm

    def calm(self, level: Level) -> int | None:
        """Minutes since an incident that goes on was last above that level; None for none."""
        return self._calm.get(level)

    def follow(self, level: Level, calm: int | None) -> None:
        """Let the incident of that level go on after so many calm minutes; None ends it."""
        if calm is None:
            self._calm.pop(level, None)
        else:
            self._calm[level] = calm

    def passed(self, level: Level, y: float) -> bool:
        """Note that Y is above the level within the minute that goes on; whether that is news."""
        threshold = self.thresholds.get(level)
        if threshold is None or not y > threshold.value:
            return False
        return self._above(level, y, threshold.value)

    def minute(self, highest: float) -> list[Level]:
        """Take a minute's M; give the levels whose incident ends with it.

        Refits where that is due.
        """
        ended: list[Level] = []
        for level in LEVELS:
            threshold = self.thresholds.get(level)
            if threshold is not None and highest > threshold.value:
                self._above(level, highest, threshold.value)
                self._calm[level] = 0
            elif level in self._calm:
                self._calm[level] += 1
                if self._calm[level] >= CALM_MINUTES:
                    del self._calm[level]
                    ended.append(level)
        self._append(highest)
        if self._is_due():
            self.refit()
        return ended

    def review(self, first: int, verdict: Verdict | None, level: IncidentLevel = "alarm") -> None:
        """Set what a person said of the incident that began with that minute; None takes it back.

        It counts for what is fitted next: see ``left_out``.
        """
        for place, incident in enumerate(self.incidents):
            if (incident.level, incident.first) == (level, first):
                self.incidents[place] = replace(incident, verdict=verdict)

    def odd(self, peak: float) -> Incident | None:
        """Note an odd moment of the minute that goes on, so that it can be reviewed.

        None where the minute has one.
        """
        if any((each.level, each.first) == ("moment", self.heard) for each in self.incidents):
            return None
        moment = Incident("moment", self.heard, self.heard, peak, peak)
        self.incidents.append(moment)
        return moment

    def refit(self) -> None:
        """Fit both thresholds to the last 28 days, but for alarms that may have been a fault.

        The alarm's stays below the peak of each that was confirmed. The thresholds stay as they
        are where nothing can be said of the tail.
        """
        self.fitted = self.heard
        tail = Tail.of(self.minutes, self.left_out(), self.unreviewed())
        if tail is None:
            return
        for level in LEVELS:
            budget = SHARES[level] * self.budget_per_week
            held = self.held() if level == "alarm" else ()
            self.thresholds[level] = tail.threshold(budget, self.experience(level), not_above=held)
        # However bad the experience with watch, it is the lower level.
        lower = min((self.thresholds[level] for level in LEVELS), key=lambda each: each.value)
        self.thresholds["watch"] = lower

    def left_out(self) -> NDArray[np.bool_]:
        """Which of ``minutes`` ``[T]`` may have been a fault, ten minutes either side.

        Those of alarms are that were not found normal; of watches and moments, which healthy sound
        has many of, only those that someone did not find normal.
        """
        out = np.zeros(len(self.minutes), dtype=np.bool_)
        for incident in self.incidents:
            unheard = incident.level == "alarm" and incident.verdict is None
            if unheard or incident.verdict in ("anomaly", "unsure"):
                first, last = incident.first - self.first_kept, incident.last - self.first_kept
                out[around(len(out), first, last)] = True
        return out

    def unreviewed(self) -> Values:
        """The thresholds that those alarms passed of which nobody knows what they were."""
        unknown = (each for each in self.incidents if each.verdict in (None, "unsure"))
        return np.array([each.threshold for each in unknown if each.level == "alarm"])

    def held(self) -> list[float]:
        """The peaks that no refit may silence: of faults, and of what is waiting for a review."""
        return [
            each.peak
            for each in self.incidents
            if each.level == "alarm"
            and (each.verdict == "anomaly" or (self._asks and each.verdict != "normal"))
        ]

    def experience(self, level: Level) -> Experience:
        """Count the last 28 days' incidents of a level, but for those that were a fault.

        Those that another detector raised say nothing of this one.
        """
        raised = (each for each in self.incidents if each.level == level and each.is_raised)
        false = sum(each.verdict != "anomaly" for each in raised)
        listened = min(self.heard - LEARNT_AFTER_MINUTES, KEPT_MINUTES)
        return Experience(false, max(listened, 0) / MINUTES_A_WEEK)

    def _above(self, level: Level, y: float, value: float) -> bool:
        is_new = level not in self._calm
        if is_new:
            self._calm[level] = 0
            self.incidents.append(Incident(level, self.heard, self.heard, y, value))
            return True
        for place in range(len(self.incidents) - 1, -1, -1):
            incident = self.incidents[place]
            if incident.level == level:
                peak = max(incident.peak, y)
                self.incidents[place] = replace(incident, last=self.heard, peak=peak)
                break
        return False

    def _append(self, highest: float) -> None:
        if self._length == len(self._minutes):
            self._minutes[:KEPT_MINUTES] = self._minutes[-KEPT_MINUTES:]
            self._length = KEPT_MINUTES
        self._minutes[self._length] = highest
        self._length += 1
        self.heard += 1
        if self.incidents and self.incidents[0].last < self.first_kept:
            self.incidents = [each for each in self.incidents if each.last >= self.first_kept]

    def _is_due(self) -> bool:
        """At two hours, then whenever a quarter more was heard: an hour at least, a day at most.

        The first threshold, of two hours, is several times the highest score heard; each hour
        heard brings it down.
        """
        if self.heard < LEARNT_AFTER_MINUTES:
            return False
        wait = min(max(self.fitted // 4, MINUTES_AN_HOUR), MINUTES_A_DAY)
        return self.heard - self.fitted >= wait
