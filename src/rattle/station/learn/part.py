"""Choose how far a head goes towards what its labels make of it, by faults that it has not learnt.

A head that goes all of the way tells the faults of its labels best, and hears others, and healthy
sound, in more and more extremes: the budget's threshold rises above what it finds. So each
confirmed fault is judged by a head that learnt from the others: how many false alarms a week would
a threshold cost that this fault just passes? What is within the budget is found, and costs nothing.
The smallest part is taken that is as good as the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.bundle.file import Bundle
from rattle.runtime.adapt_head import way_of
from rattle.runtime.refit import Way
from rattle.scoring.budget.fit import AIM, Tail
from rattle.scoring.budget.rule import AlarmRule, Values
from rattle.scoring.head_fit import part_of_the_way
from rattle.scoring.score import anomaly_score, posterior_gap
from rattle.station.learn.gate import Source, left_out
from rattle.station.learn.incidents import Stood
from rattle.station.learn.labels import Told
from rattle.station.learn.replay import Replayed, minutes_of
from rattle.station.records import Embeddings

FIRST = 1 / 16
PARTS = (0.0, 1 / 64, 1 / 32, FIRST, 1 / 8, 1 / 4, 1 / 2, 1.0)
# So many heads are fitted at most, each to all faults but its share of them.
TURNS = 5
# Costs above it, in false alarms a week, are alike: such a fault is not heard at all.
DEAREST = 2000.0


@dataclass(frozen=True)
class Sample:
    """Some hours of a source's stored sound, what stood out of it, and its share of the budget."""

    source_id: str
    hours: Sequence[Embeddings]
    stood: Sequence[Stood]
    budget_per_week: float


def part_for(
    bundle: Bundle,
    wrong: Sequence[Told],
    right: Sequence[Told],
    samples: Sequence[Sample],
    rule: AlarmRule,
    hop_s: float,
) -> float:
    """Say how far the head of ``bundle`` is to go, 0 to 1, for what people called wrong and right.

    Not farther than so few labels can tell (``part_of_the_way``). Where fewer than two are
    confirmed or too little sound is stored nothing can be chosen by: a first, small step is taken.
    With none it is 0, and only what d is measured from learns.
    """
    if len(wrong) < 2:
        return FIRST if wrong else 0.0
    most = part_of_the_way(len(wrong) + len(right))
    parts = [part for part in PARTS if part <= most]
    faults, normals = ([each.clip for each in told] for told in (wrong, right))
    judging = _Judging(parts, rule, hop_s)
    healthy = judging.healthy(way_of(bundle, faults, normals), samples)
    turns = min(len(wrong), TURNS)
    costs: list[Values] = []
    for turn in range(turns):
        others = [clip for number, clip in enumerate(faults) if number % turns != turn]
        way = way_of(bundle, others, normals)
        costs += [
            healthy[each.incident.source_id].costs(judging.peaks(way, each.z))
            for each in wrong[turn::turns]
            if each.incident.source_id in healthy
        ]
    return parts[_chosen(np.log(costs))] if len(costs) > 1 else FIRST


def _chosen(costs: Values) -> int:
    """Choose among columns of costs ``[n, P]``: the first that is as good as the best.

    That is within one standard error of it (Breiman, Friedman, Olshen and Stone 1984, 3.4.3), of
    the differences fault by fault.
    """
    more = costs - costs[:, [costs.mean(axis=0).argmin()]]
    errors = more.std(axis=0, ddof=1) / np.sqrt(len(more))
    return int((more.mean(axis=0) <= errors).argmax())


@dataclass(frozen=True)
class _Healthy:
    """How often a source's healthy sound passes a level, by part; ``free`` times a week it may."""

    tails: Sequence[Tail]
    free: float

    def costs(self, peaks: Sequence[float]) -> Values:
        """Say how many times more often it passes an incident's peak than it may ``[P]``."""
        rates = [
            tail.expected_per_week(max(peak, tail.base))
            for tail, peak in zip(self.tails, peaks, strict=True)
        ]
        return np.clip(rates, self.free, DEAREST) / self.free


@dataclass(frozen=True)
class _Judging:
    """What a head makes of sound at each part of a way."""

    parts: Sequence[float]
    rule: AlarmRule
    hop_s: float

    def healthy(self, way: Way, samples: Sequence[Sample]) -> dict[str, _Healthy]:
        """Fit the tails of healthy sound, by source; none of too little sound."""
        found = {}
        for sample in samples:
            heard = [self._replayed(way, hour) for hour in sample.hours]
            tails = [_tail(sample, own) for own in zip(*heard, strict=True)]
            known = [tail for tail in tails if tail is not None]
            if known and len(known) == len(self.parts):
                found[sample.source_id] = _Healthy(known, AIM * sample.budget_per_week)
        return found

    def peaks(self, way: Way, z: NDArray[np.float16]) -> list[float]:
        """Find the highest Y of windows ``[n, D]``, by part."""
        ys = [self.rule.statistic(own) for own in self._scores(way, z)]
        return [float(np.fmax.reduce(y, initial=-np.inf)) for y in ys]

    def _replayed(self, way: Way, hour: Embeddings) -> list[Replayed]:
        scores = self._scores(way, hour.z)
        return [minutes_of(hour.ends, own, self.hop_s, self.rule) for own in scores]

    def _scores(self, way: Way, z: NDArray[np.float16]) -> list[Values]:
        """s of windows ``[n, D]``, by part (equation 5): their logits lie on a line."""
        begin, end = way.start.logits(z), way.end.logits(z)
        distances = way.start.distances(z)
        scaled = None if distances is None else way.mix.scale(distances)
        gaps = (
            None if begin is None or end is None else posterior_gap(begin + part * (end - begin))
            for part in self.parts
        )
        return [anomaly_score(gap, scaled, way.mix.alpha) for gap in gaps]


def _tail(sample: Sample, hours: Sequence[Replayed]) -> Tail | None:
    minutes = np.concatenate([hour.minutes for hour in hours])
    heard = Replayed(minutes, np.concatenate([hour.ends for hour in hours]))
    source = Source(sample.source_id, heard, sample.stood, sample.budget_per_week)
    return Tail.of(minutes, left_out(source))
