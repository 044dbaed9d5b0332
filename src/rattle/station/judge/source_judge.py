"""Judge one source's windows, and tell what comes of it: thresholds, stretches, the incident."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from rattle.scoring.budget.judge import Judge
from rattle.scoring.budget.ledger import LEVELS, Incident, IncidentLevel, Ledger, Level, Verdict
from rattle.scoring.budget.minutes import MINUTES_A_DAY, MINUTES_AN_HOUR
from rattle.station.ids import new_id
from rattle.station.judge.incidents import MachineIncidents, Noted, Passed
from rattle.station.judge.moments import OddMoments
from rattle.station.records import Record, StretchChanged, ThresholdFitted


@dataclass(frozen=True)
class WindowJudged:
    """What a window came to.

    y: the K-th largest of the last N scores, None where fewer than K were scored. minute: M, where
    the window ends a minute of scored sound. noted: the incident that it is of, None where it is
    above no level.
    """

    y: float | None
    minute: float | None
    noted: Noted | None


class SourceJudge:
    """The judge of a source by one release."""

    def __init__(
        self,
        source_id: str,
        release_id: str,
        judge: Judge,
        incidents: MachineIncidents,
        *,
        tell: Callable[[Record], None],
        threshold_ids: Mapping[Level, str] | None = None,
        moments: OddMoments | None = None,
    ) -> None:
        """``threshold_ids`` are those of the judge's thresholds that were told before.

        One without is told with the first window. ``moments`` are those that were offered before.
        """
        self.ledger = judge.ledger
        self._source_id, self._release_id = source_id, release_id
        self._judge, self._incidents, self._tell = judge, incidents, tell
        self._ids = dict(threshold_ids or {})
        self._thresholds = dict(self.ledger.thresholds)
        self._fitted = self.ledger.fitted
        self._told: dict[Level, Incident] = {}
        self._moments = moments or OddMoments()
        self._incident_of: dict[Level, str] = {}

    @property
    def is_open(self) -> bool:
        """Whether something goes on: a stretch of this source, or an incident of the machine."""
        return any(map(self.ledger.is_open, LEVELS)) or self._incidents.is_open

    def is_normal(self, score: float) -> bool:
        """Whether a window of that score is normal: not above the watch, while nothing is open.

        False while there is no threshold.
        """
        watch = self._thresholds.get("watch")
        return watch is not None and score <= watch.value and not self.is_open

    def begin(self, before: SourceJudge | None = None) -> None:
        """Go on with what was open when the source was last judged.

        ``before`` is the judge of another release, which has heard the source up to here.
        """
        levels = [level for level in LEVELS if self.ledger.is_open(level)]
        if before is not None:
            for level in levels:
                self.ledger.follow(level, before.ledger.calm(level))
            levels = [level for level in levels if self.ledger.is_open(level)]
        incident_id = self._incidents.goes_on(self._source_id, levels) if levels else None
        for level in levels:
            if incident_id is None:  # it ended meanwhile
                self.ledger.follow(level, None)
            else:
                self._incident_of[level] = incident_id

    def window(self, score: float | None, at: datetime, z: NDArray[np.float32]) -> WindowJudged:
        """Take the next window, which ended at ``at``; its ``score`` is None where it has none."""
        thresholds = self._thresholds
        if thresholds and len(self._ids) < len(thresholds):
            self._tell_thresholds(at, "fitted to what was heard before")
        judged = self._judge.hop(score)
        above = [level for level in LEVELS if self._is_above(level, judged.y)]
        noted = self._passed(above, judged.y, at, z) if above else None
        if judged.minute is not None:
            self._minute(at)
        for level, change in judged.changes:
            if change == "ended":
                self._incident_of.pop(level, None)
                self._incidents.calm(self._source_id, level, at)
        y = judged.y if np.isfinite(judged.y) else None
        return WindowJudged(y, judged.minute, noted)

    def odd(self, y: float, at: datetime, z: NDArray[np.float32]) -> str | None:
        """Offer a minute for listening, where it is among the oddest; gives the incident of it.

        ``y`` is its highest Y, ``at`` the end of that window, ``z [D]`` its embedding. None where
        it is not odd enough, or is of an incident, which people listen to anyway.
        """
        if any(map(self.ledger.is_open, LEVELS)) or not self._moments.minute(at, y):
            return None
        moment = self.ledger.odd(y)
        if moment is None:
            return None
        incident_id = self._incidents.moment(
            Passed(self._source_id, "moment", at, y, z, self._release_id, self._ids.get("watch"))
        )
        self._tell_change(moment, incident_id)
        return incident_id

    def review(
        self, level: IncidentLevel, first: int, verdict: Verdict | None, at: datetime
    ) -> None:
        """Set what a person said of what began with that minute, and fit anew."""
        self.ledger.review(first, verdict, level)
        if self.ledger.thresholds:
            self.ledger.refit()
            self._fitted_anew(at, "reviewed")

    def leave(self, to: SourceJudge, at: datetime) -> None:
        """End its stretches but for those that the judge of another release goes on with."""
        for level in self._incident_of.keys() - to._incident_of.keys():
            self._incidents.calm(self._source_id, level, at)
        self._incident_of.clear()

    def tell_so_far(self) -> None:
        """Tell how far its stretches and the incident reach, which windows alone do not."""
        for level in self._incident_of:
            self._tell_stretch(level)
        self._incidents.minute()

    def _is_above(self, level: Level, y: float) -> bool:
        threshold = self._thresholds.get(level)
        return threshold is not None and y > threshold.value

    def _passed(self, above: list[Level], y: float, at: datetime, z: NDArray[np.float32]) -> Noted:
        highest = above[-1]
        noted = self._incidents.passed(
            Passed(self._source_id, highest, at, y, z, self._release_id, self._ids.get(highest)),
            above,
        )
        for level in above:
            if level not in self._incident_of:
                self._incident_of[level] = noted.incident_id
                self._tell_stretch(level)
        return noted

    def _minute(self, at: datetime) -> None:
        """Tell once a minute what changed: stretches, the peak, thresholds that were fitted."""
        self.tell_so_far()
        if self.ledger.fitted != self._fitted:
            self._fitted_anew(at, _reason_of(self.ledger, self._fitted))

    def _fitted_anew(self, at: datetime, reason: str) -> None:
        self._fitted = self.ledger.fitted
        if self.ledger.thresholds != self._thresholds:
            self._thresholds = dict(self.ledger.thresholds)
            self._ids = {}
            self._tell_thresholds(at, reason)

    def _tell_thresholds(self, at: datetime, reason: str) -> None:
        for level in LEVELS:
            threshold = self._thresholds.get(level)
            if threshold is None or level in self._ids:
                continue
            self._ids[level] = new_id(at)
            self._tell(
                ThresholdFitted(
                    id=self._ids[level],
                    source_id=self._source_id,
                    release_id=self._release_id,
                    level=level,
                    value=threshold.value,
                    expected=threshold.expected_per_week,
                    upper=threshold.upper_per_week,
                    margin=threshold.margin,
                    peaks=threshold.peaks,
                    weeks=threshold.weeks,
                    minutes=self.ledger.fitted,
                    reason=reason,
                    active_from=at,
                )
            )

    def _tell_stretch(self, level: Level) -> None:
        of_level = (each for each in reversed(self.ledger.incidents) if each.level == level)
        stretch = next(of_level, None)
        if stretch is not None and stretch != self._told.get(level):
            self._told[level] = stretch
            self._tell_change(stretch, self._incident_of[level])

    def _tell_change(self, stretch: Incident, incident_id: str) -> None:
        self._tell(
            StretchChanged(
                incident_id=incident_id,
                source_id=self._source_id,
                release_id=self._release_id,
                level=stretch.level,
                first=stretch.first,
                last=stretch.last,
                peak=stretch.peak,
                threshold=stretch.threshold,
            )
        )


def _reason_of(ledger: Ledger, fitted_before: int) -> str:
    if not fitted_before:
        return f"first threshold, {ledger.fitted // MINUTES_AN_HOUR} h of running heard"
    more = ledger.fitted - fitted_before
    words = {MINUTES_AN_HOUR: "an hour", MINUTES_A_DAY: "a day"}
    return f"fitted anew: {words.get(more, 'a quarter')} more was heard"
