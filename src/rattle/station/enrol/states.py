"""Say in which states a machine was heard: how long it ran, how often it started, how loud.

A detector that never heard a restart calls the first one anomalous.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rattle.station.config.model import Machine
from rattle.station.enrol.piece import Piece
from rattle.station.hear.operating import OFF_BELOW_DBFS, ByLevel

Levels = NDArray[np.float64]

# Two levels are two states where they are so far apart, and a cut between them leaves so little of
# the spread on either side (of one even spread it leaves a quarter, Otsu 1979).
APART_DB = 6.0
LEFT = 0.15
# A shorter time at a level is no state of its own.
LEAST_S = 20
MOST_LEVELS = 4
# Pieces that are further apart than this do not follow on each other.
GAP_S = 2.0


@dataclass(frozen=True)
class States:
    """What was heard of a machine's running.

    running_s: seconds that count as running. starts: how often it started while it was listened to.
    levels_db: the levels that it ran or rested at, from soft to loud, each with its seconds.
    above_dbfs: from which level on it counts as running; None where all of it does. usable: the
    pieces to learn from: running, fit, and nobody speaks.
    """

    running_s: float
    starts: int
    levels_db: tuple[tuple[float, float], ...]
    above_dbfs: float | None
    usable: tuple[Piece, ...]

    @property
    def usable_s(self) -> float:
        """How much there is to learn from."""
        return sum(piece.seconds for piece in self.usable)


def states_of(machine: Machine, pieces: Sequence[Piece]) -> States:
    """Say what was heard; ``machine`` says how it is known that it runs.

    By level without a level in its table, the gap between what is soft and what is loud is it.
    """
    each = np.array([level for piece in pieces for level in piece.levels_db])
    levels = levels_of(each)
    between = _between(each, levels)
    above = None
    if machine.running == "by level":
        above = between if machine.running_above_dbfs is None else machine.running_above_dbfs
    split = above if above is not None else between
    runs = [True] * len(pieces) if above is None else []
    seconds = starts = 0
    rule, before = ByLevel(OFF_BELOW_DBFS if split is None else split), None
    for piece in pieces:
        if before is not None and (piece.at - before.end).total_seconds() > GAP_S:
            rule = ByLevel(rule.above_dbfs)
        for second, level in enumerate(piece.levels_db, start=1):
            was = rule.state
            rule.second(piece.at.timestamp() + second, level)
            starts += rule.state == "running" and was in ("idle", "off")
            seconds += above is None or rule.state == "running"
        if above is not None:
            runs.append(rule.ran(piece.at.timestamp(), piece.end.timestamp()))
        before = piece
    usable = tuple(
        piece
        for piece, ran in zip(pieces, runs, strict=True)
        if ran and piece.file and not piece.fault and not piece.has_speech
    )
    return States(float(seconds), starts, levels, above, usable)


def levels_of(each: Levels) -> tuple[tuple[float, float], ...]:
    """Group the levels of seconds ``[n]``: the median of each group, and its seconds.

    >>> levels_of(np.r_[np.full(60, -50.0), np.full(90, -30.0)])
    ((-50.0, 60.0), (-30.0, 90.0))
    >>> levels_of(np.linspace(-40, -30, 100))
    ((-35.0, 100.0),)
    """
    if not len(each):
        return ()
    groups = [np.sort(each)]
    while len(groups) < MOST_LEVELS:
        cuts = [(place, _cut(group)) for place, group in enumerate(groups)]
        cut = next(((place, at) for place, at in cuts if at is not None), None)
        if cut is None:
            break
        place, at = cut
        groups[place : place + 1] = [groups[place][:at], groups[place][at:]]
    return tuple((round(float(np.median(group)), 1), float(len(group))) for group in groups)


def _cut(group: Levels) -> int | None:
    """Find where sorted levels fall into two (Otsu); None where they do not."""
    count = len(group)
    if count < 2 * LEAST_S:
        return None
    sums, places = np.cumsum(group), np.arange(1, count)
    low, high = sums[:-1] / places, (sums[-1] - sums[:-1]) / (count - places)
    between = places * (count - places) / count**2 * (high - low) ** 2
    between[: LEAST_S - 1] = between[count - LEAST_S :] = 0.0
    at = int(between.argmax())
    spread = float(group.var())
    is_two = high[at] - low[at] >= APART_DB and between[at] >= (1 - LEFT) * spread
    return at + 1 if is_two else None


def _between(each: Levels, levels: Sequence[tuple[float, float]]) -> float | None:
    """The level half-way over the widest gap between two groups; None of one group."""
    if len(levels) < 2:
        return None
    gaps = [(high - low, (low + high) / 2) for (low, _), (high, _) in pairwise(levels)]
    return round(max(gaps)[1], 1)
