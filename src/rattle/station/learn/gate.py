"""Show what a new head would change, on stored sound and on incidents that it has not learnt from.

Both heads are judged alike: the alarms of one half of the days by thresholds that the budget fits
to the other half. What the gate says of too little is "not shown", never "passed".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeGuard

import numpy as np
from numpy.typing import NDArray

from rattle.pages.words import counted
from rattle.scoring.budget.fit import Tail
from rattle.scoring.budget.ledger import LEVELS, SHARES, Level
from rattle.scoring.budget.minutes import (
    CALM_MINUTES,
    MINUTE_S,
    MINUTES_A_DAY,
    MINUTES_A_WEEK,
    around,
    incidents,
)
from rattle.scoring.budget.rule import Values
from rattle.scoring.delong import CLIPS_NEEDED, delong
from rattle.station.amounts_said import rate_said, span_said
from rattle.station.learn.incidents import Stood
from rattle.station.learn.replay import Replayed

State = Literal["passed", "refused", "not shown"]
Mask = NDArray[np.bool_]
# Less sound than this shows nothing of alarms a week, and so few faults nothing of faults.
MINUTES_NEEDED = MINUTES_A_DAY
FAULTS_NEEDED = CLIPS_NEEDED
# Sound of fewer days is halved in pieces instead: so many, taken in turns.
DAYS_NEEDED, PIECES = 4, 8


@dataclass(frozen=True)
class Judged:
    """What a head makes of a reviewed incident.

    peak: its highest M. found: the highest level that it passes, by a threshold fitted elsewhere;
    None where it passes none.
    """

    peak: float
    found: Level | None


@dataclass(frozen=True)
class Alarm:
    """An alarm of the replay that is no reviewed incident: when its highest minute ended."""

    source_id: str
    at: float
    peak: float
    threshold: float


@dataclass(frozen=True)
class Heard:
    """What one head makes of the stored sound.

    incidents: by their ids. alarms: those elsewhere. expected, upper: false alarms a week by the
    threshold that it would have, all sources together; None where none can be fitted.
    is_judged: whether a threshold could be fitted to each half; else nothing passes one.
    """

    incidents: Mapping[str, Judged]
    alarms: Sequence[Alarm]
    expected: float | None
    upper: float | None
    blocks: Values  # the highest M of each ten minutes of healthy sound
    is_judged: bool


@dataclass(frozen=True)
class Source:
    """A source's stored sound by a head, its incidents, and its share of the budget."""

    source_id: str
    heard: Replayed
    stood: Sequence[Stood]
    budget_per_week: float


@dataclass(frozen=True)
class Gate:
    """Whether a new head is shown to be better, and by what.

    auc: of the test's faults against healthy sound, by the old and by the new head; difference: its
    interval (DeLong). Both None where there are too few. pieces: how many of ten seconds were
    heard of so many minutes; None where all of it was. Then a rate counts pieces above the
    threshold, and incidents a week are more. lost, gained: alarms of the replay that
    the new head does not raise, and raises for the first time. reasons: in words.
    """

    state: State
    reasons: tuple[str, ...]
    minutes: int
    pieces: int | None
    old: Heard
    new: Heard
    auc: tuple[float, float] | None
    difference: tuple[float, float] | None
    lost: tuple[Alarm, ...]
    gained: tuple[Alarm, ...]


def hear(sources: Sequence[Source]) -> Heard:
    """Say what a head makes of all its sources' sound."""
    judged: dict[str, Judged] = {}
    alarms: list[Alarm] = []
    blocks: list[Values] = []
    rates: list[tuple[float, float] | None] = []
    is_judged = True
    for source in sources:
        levels = _levels(source)
        is_judged &= bool(np.isfinite(levels["alarm"]).all())
        judged |= _judged(source, levels)
        alarms += _alarms(source, levels["alarm"])
        blocks.append(_blocks(source))
        rates.append(_rate(source))
    known = [rate for rate in rates if rate is not None]
    is_known = bool(known) and len(known) == len(rates)
    return Heard(
        judged,
        tuple(alarms),
        sum(rate[0] for rate in known) if is_known else None,
        sum(rate[1] for rate in known) if is_known else None,
        np.concatenate(blocks) if blocks else np.empty(0),
        is_judged,
    )


def gate(
    old: Heard,
    new: Heard,
    stood: Sequence[Stood],
    minutes: int,
    budget_per_week: float,
    *,
    pieces: int | None = None,
) -> Gate:
    """Compare two heads on ``minutes`` of the same sound, of which ``pieces`` were kept, or all.

    Refused is one that misses a fault of the test which the other found, whose AUC is lower beyond
    chance, or that would raise more false alarms than the budget allows while the other would not.
    """
    faults = [each for each in stood if each.is_test and each.verdict == "anomaly"]
    faults = [each for each in faults if each.id in old.incidents and each.id in new.incidents]
    auc, difference = _aucs(old, new, stood, faults)
    lost, gained = _only(old.alarms, new.alarms), _only(new.alarms, old.alarms)
    against = [
        f"{_named(each)} was found and would be missed"
        for each in faults
        if old.incidents[each.id].found and not new.incidents[each.id].found
    ]
    if difference is not None and difference[1] < 0:
        against.append(
            "it tells the test's faults from healthy sound less well than the one in use"
        )
    if _is_above(new.expected, budget_per_week) and not _is_above(old.expected, budget_per_week):
        against.append(
            f"to find every confirmed fault it would raise {_precisely(new.expected)} false alarms "
            f"a week{'' if pieces is None else ' or more'}, of {budget_per_week:g} allowed"
        )
    missing = []
    if minutes < MINUTES_NEEDED:
        how = "sound are stored" if pieces is None else "running are told of by kept sound"
        stored = span_said(minutes * MINUTE_S)
        missing.append(f"{stored} of {how}, of {MINUTES_NEEDED // 60} h needed")
    if new.expected is None or not (old.is_judged and new.is_judged):
        missing.append("too little sound is stored to fit a threshold to")
    if len(faults) < FAULTS_NEEDED:
        has = counted(len(faults), "confirmed fault")
        missing.append(f"the test has {has}, of {FAULTS_NEEDED} needed")
    state: State = "refused" if against else "not shown" if missing else "passed"
    reasons = (*against, *missing)
    return Gate(state, reasons, minutes, pieces, old, new, auc, difference, lost, gained)


def _named(fault: Stood) -> str:
    what = f" ({fault.fault})" if fault.fault else ""
    return f"the test's fault of {fault.opened:%Y-%m-%d %H:%M} UTC{what}"


def left_out(source: Source) -> Mask:
    """Say which minutes ``[T]`` no threshold is fitted to: those of alarms not found normal."""
    heard = source.heard
    out = np.zeros(len(heard.minutes), dtype=np.bool_)
    for each in source.stood:
        is_fault = each.verdict in ("anomaly", "unsure")
        if is_fault or (each.level == "alarm" and each.verdict is None):
            places = np.flatnonzero(heard.within(each.opened, each.ended))
            if len(places):
                out[around(len(out), int(places[0]), int(places[-1]), heard.apart)] = True
    return out if heard.picked is None else out | heard.picked


def _halves(ends: Values) -> NDArray[np.int64]:
    """Say which half each minute ``[T]`` is of: days in turn, or pieces where there are few."""
    days = np.floor(ends / (MINUTES_A_DAY * MINUTE_S)).astype(np.int64)
    if len(np.unique(days)) >= DAYS_NEEDED:
        return days % 2
    return (np.arange(len(ends)) * PIECES // max(len(ends), 1)) % 2


def _levels(source: Source) -> dict[Level, Values]:
    """The threshold of each minute ``[T]``, fitted to the other half; inf where there is none."""
    minutes, out = source.heard.minutes, left_out(source)
    half = _halves(source.heard.ends)
    levels: dict[Level, Values] = {level: np.full(len(minutes), np.inf) for level in LEVELS}
    for own in (0, 1):
        tail = Tail.of(minutes, out | (half == own))
        if tail is not None:
            for level in LEVELS:
                budget = SHARES[level] * source.budget_per_week * source.heard.stands_for
                levels[level][half == own] = tail.threshold(budget).value
    return levels


def _judged(source: Source, levels: Mapping[Level, Values]) -> dict[str, Judged]:
    found = {}
    for each in source.stood:
        inside = source.heard.within(each.opened, each.ended)
        if each.verdict is None or not inside.any():
            continue
        minutes = source.heard.minutes[inside]
        passed = [level for level in LEVELS if (minutes > levels[level][inside]).any()]
        found[each.id] = Judged(float(minutes.max()), passed[-1] if passed else None)
    return found


def _alarms(source: Source, threshold: Values) -> list[Alarm]:
    """The alarms that are of no fault: rejected incidents and what nobody has reviewed count."""
    minutes, ends = source.heard.minutes, source.heard.ends
    known = np.zeros(len(minutes), dtype=np.bool_)
    for each in source.stood:
        if each.verdict in ("anomaly", "unsure"):
            known |= source.heard.within(each.opened, each.ended)
    over = np.where(known, -np.inf, minutes - threshold)
    alarms = []
    for first, last in zip(*incidents(over, 0.0, source.heard.apart), strict=True):
        top = first + int(minutes[first : last + 1].argmax())
        alarms.append(
            Alarm(source.source_id, float(ends[top]), float(minutes[top]), float(threshold[top]))
        )
    return alarms


def _blocks(source: Source) -> Values:
    """The highest M of each ten minutes of sound that no incident is in ``[n]``."""
    size = source.heard.apart
    calm = np.ones(len(source.heard.minutes), dtype=np.bool_)
    for each in source.stood:
        if each.level == "alarm" or each.verdict is not None:
            calm &= ~source.heard.within(each.opened, each.ended)
    minutes = source.heard.minutes[calm]
    whole = len(minutes) // size * size
    return np.asarray(minutes[:whole].reshape(-1, size).max(axis=1, initial=-np.inf))


def _rate(source: Source) -> tuple[float, float] | None:
    """As the ledger would fit it: not above the peak of an alarm that was confirmed."""
    tail = Tail.of(source.heard.minutes, left_out(source))
    if tail is None:
        return None
    peaks = [
        float(source.heard.minutes[inside].max())
        for each in source.stood
        if each.level == "alarm" and each.verdict == "anomaly"
        if (inside := source.heard.within(each.opened, each.ended)).any()
    ]
    scale = source.heard.stands_for
    threshold = tail.threshold(source.budget_per_week * scale, not_above=peaks)
    return threshold.expected_per_week / scale, threshold.upper_per_week / scale


def _aucs(
    old: Heard, new: Heard, stood: Sequence[Stood], faults: Sequence[Stood]
) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """AUC of the test's faults against its rejected alarms and healthy blocks, and the interval."""
    normal = [
        each.id
        for each in stood
        if each.is_test and each.verdict == "normal" and each.id in old.incidents
    ]
    scores = [
        (
            np.concatenate([[heard.incidents[id_].peak for id_ in normal], heard.blocks]),
            np.array([heard.incidents[each.id].peak for each in faults]),
        )
        for heard in (old, new)
    ]
    if len(faults) < CLIPS_NEEDED or len(scores[0][0]) < CLIPS_NEEDED:
        return None, None
    aucs = [float((a[:, None] > n[None, :]).mean()) for n, a in scores]
    interval = delong(np.stack([n for n, _ in scores]), np.stack([a for _, a in scores]))
    return (aucs[0], aucs[1]), interval


def _only(alarms: Sequence[Alarm], others: Sequence[Alarm]) -> tuple[Alarm, ...]:
    """List alarms at whose time the others have none: none within the calm that ends one."""
    apart = (CALM_MINUTES + 1) * MINUTE_S
    return tuple(
        each
        for each in alarms
        if not any(
            other.source_id == each.source_id and abs(other.at - each.at) <= apart
            for other in others
        )
    )


def _is_above(rate: float | None, budget: float) -> TypeGuard[float]:
    return rate is not None and rate > budget


def _precisely(rate: float) -> str:
    """So that 1.04 is not said to be more than 1."""
    return f"{rate:.2f}" if rate < 10 else rate_said(rate)


def a_week(alarms: int, minutes: int) -> float:
    """Say how many alarms a week so many are, in so many minutes."""
    return alarms * MINUTES_A_WEEK / max(minutes, 1)
