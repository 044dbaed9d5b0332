"""Say how far peaks reach beyond a level, and how sure that is: a generalised Pareto posterior.

Excesses over a high level are generalised Pareto (Pickands 1975; Davison and Smith, *Models for
exceedances over high thresholds*, 1990): P(excess > y) = (1 + xi y / sigma)^(-1 / xi), with the
shape xi and the scale sigma. The prior of xi is normal, rather heavy tails than light ones; that of
log sigma is flat. A grid holds the posterior: no sampling, the same figures each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rattle.scoring.budget.rule import Values

# A mean of 0 had half as many false alarms again in a first week, of machines that are rarely in
# another state above all. With a deviation of 0.1 the threshold of a light tail is too high and of
# rare bangs too low for weeks; with 0.2 that of days that differ is too low at first
# (docs/explanation/budget.md).
SHAPE_MEAN, SHAPE_DEVIATION = 0.1, 0.15
SHAPES, SCALES = 25, 61
# The grid's reach: deviations of the shape's prior, and natural logarithms of the scale around
# the mean excess.
SHAPE_REACH, SCALE_REACH = 3.5, 3.0
# A shape nearer to 0 than this is 0: the exponential distribution.
FLAT = 1e-6
NONE: Values = np.empty(0)


@dataclass(frozen=True)
class Pareto:
    """Shapes, scales and weights ``[G]`` of the grid; the weights add up to 1."""

    shapes: Values
    scales: Values
    weights: Values

    @classmethod
    def of(cls, excesses: Values, at_least: Values = NONE) -> Pareto:
        """Compute the posterior of ``excesses [n]``; ``ValueError`` where none is above 0.

        Of further peaks only what they reach ``at_least`` ``[c]`` is known: censored ones, that
        count by the chance of reaching so far. With few excesses little is known of the scale, so
        the grid reaches further.
        """
        mean = float(excesses.mean()) if len(excesses) else 0.0
        if not mean > 0:
            raise ValueError("a tail takes at least one excess above 0")
        reach = SCALE_REACH * max(1.0, 3.0 / np.sqrt(len(excesses)))
        off = np.linspace(-1, 1, SHAPES) * SHAPE_REACH  # in deviations of the prior
        xi = SHAPE_MEAN + off * SHAPE_DEVIATION
        log_sigma = np.log(mean) + np.linspace(-reach, reach, SCALES)
        shapes, scales = (grid.ravel() for grid in np.meshgrid(xi, np.exp(log_sigma)))
        log_density = np.tile(-0.5 * off**2, SCALES)
        log_density += _log_likelihood(excesses, xi, np.exp(log_sigma))
        if len(at_least):
            further = cls(shapes, scales, np.empty(0))
            with np.errstate(divide="ignore"):
                for excess, count in zip(*np.unique(at_least, return_counts=True), strict=True):
                    log_density += count * np.log(further.survival_of_each(float(excess)))
        weights = np.exp(log_density - log_density.max())
        seen = weights > weights.max() * 1e-9
        weights = weights[seen] / weights[seen].sum()
        return cls(shapes[seen], scales[seen], weights)

    def survival_of_each(self, excess: float) -> Values:
        """P(a peak reaches beyond ``excess``) by each point of the grid ``[G]``; 1 below 0."""
        ratio = max(excess, 0.0) / self.scales
        flat = np.abs(self.shapes) < FLAT
        shape = np.where(flat, 1.0, self.shapes)
        inside = 1 + shape * ratio
        with np.errstate(over="ignore"):
            curved = np.where(inside > 0, np.maximum(inside, 1e-300), np.inf) ** (-1 / shape)
        curved = np.where(inside > 0, curved, 0.0)
        return np.asarray(np.where(flat, np.exp(-ratio), curved), dtype=np.float64)

    def survival(self, excess: float) -> float:
        """P(a peak reaches beyond ``excess``), the mean of the posterior."""
        return float(self.weights @ self.survival_of_each(excess))

    @cached_property
    def likeliest(self) -> Pareto:
        """The grid's most probable point alone: what one would take who knew it for sure."""
        top = slice(index := int(self.weights.argmax()), index + 1)
        return Pareto(self.shapes[top], self.scales[top], np.ones(1))

    def excess_of(self, share: float) -> float:
        """The excess that a peak reaches beyond with chance ``share``, by bisection; at least 0."""
        if share >= 1:
            return 0.0
        low, high = 0.0, float(self.scales.max())
        while self.survival(high) > share:
            low, high = high, 2 * high
        for _ in range(60):
            middle = (low + high) / 2
            if self.survival(middle) > share:
                low = middle
            else:
                high = middle
        return high


def _log_likelihood(excesses: Values, xi: Values, sigma: Values) -> Values:
    """Of each scale and shape, flat ``[scales * shapes]``; -inf where an excess cannot be."""
    n = len(excesses)
    grown = np.empty((len(sigma), len(xi)))
    for column, shape in enumerate(xi):
        ratio = excesses / sigma[:, None]  # [scales, n]
        if abs(shape) < FLAT:
            grown[:, column] = ratio.sum(axis=1)
            continue
        inside = shape * ratio
        possible = (inside > -1).all(axis=1)
        logs = np.log1p(np.maximum(inside, -1 + 1e-12)).sum(axis=1)
        grown[:, column] = np.where(possible, (1 / shape + 1) * logs, np.inf)
    return (-n * np.log(sigma)[:, None] - grown).ravel()
