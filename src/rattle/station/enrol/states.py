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

# Two levels are two states where hardly a second is as loud as anything within 3 dB between them.
VALLEY_DB = 3.0
HARDLY = 0.1
APART_DB = 6.0
STEP_DB = 0.5
# A shorter time at a level is no state of its own.
LEAST_S = 20
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
    ordered = np.sort(each)
    groups = np.split(ordered, np.searchsorted(ordered, _cuts(ordered)))
    return tuple((round(float(np.median(group)), 1), float(len(group))) for group in groups)


def _cuts(ordered: Levels) -> list[float]:
    """Find the levels that hardly a second has, between those that many have."""
    cuts: list[float] = []
    valley: list[float] = []
    for at in np.arange(ordered[0], ordered[-1], STEP_DB):
        low, high = np.searchsorted(ordered, [at - VALLEY_DB / 2, at + VALLEY_DB / 2])
        below = ordered[np.searchsorted(ordered, cuts[-1] if cuts else -np.inf) : low]
        above = ordered[high:]
        fewest = min(len(below), len(above))
        if fewest >= LEAST_S and high - low <= HARDLY * fewest:
            valley.append(float(at))
            if np.median(above) - np.median(below) >= APART_DB:
                continue
            valley.clear()
        elif valley:
            cuts.append(valley[len(valley) // 2])
            valley = []
    return cuts


def _between(each: Levels, levels: Sequence[tuple[float, float]]) -> float | None:
    """The level half-way over the widest gap between two groups; None of one group."""
    if len(levels) < 2:
        return None
    gaps = [(high - low, (low + high) / 2) for (low, _), (high, _) in pairwise(levels)]
    return round(max(gaps)[1], 1)
