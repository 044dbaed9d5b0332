"""Simulated machines for the budget: scores of windows of 8 s, one each second, for weeks.

Every score is made of what the window hears (noise of its own each second, averaged over the
window, so that neighbours share seven eighths of it) and of how the machine is at the time (a
wandering with a relaxation of 20 minutes), half of the variance each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Values = NDArray[np.float64]

SECONDS_A_DAY = 86_400
RUNS_A_DAY = 288
WINDOW_S = 8
RELAXATION_S = 1200.0
SLOW = 0.5  # share of the variance that wanders


@dataclass(frozen=True)
class Kind:
    """A kind of machine.

    curve: from a standard normal state to a score. day: deviation of a level of each day's own;
    hour: of each hour's own; run: of each five minutes' own; load: of a wandering with a relaxation
    of four hours; all in deviations of the state. bangs: a day; odd: runs a day of another state.
    """

    curve: Callable[[Values], Values]
    day: float = 0.0
    hour: float = 0.0
    run: float = 0.0
    load: float = 0.0
    bangs: float = 0.0
    odd: float = 0.0


def plain(state: Values) -> Values:
    return state


def light(state: Values) -> Values:
    """Squeezed towards a highest score of 3: the shape of its tail is below 0."""
    return np.asarray(3 * np.tanh(state / 3))


def heavy(state: Values) -> Values:
    """Log-normal."""
    return np.asarray(np.exp(0.5 * state))


KINDS = {
    "light tail": Kind(light),
    "Gaussian": Kind(plain),
    "heavy tail": Kind(heavy),
    "days that differ": Kind(plain, day=0.7),
    "heavy tail and days": Kind(heavy, day=0.7),
    "three bangs a day": Kind(plain, bangs=3.0),
    "hourly restarts": Kind(plain, hour=0.7),
    "load over four hours": Kind(plain, load=1.0),
    "runs of five minutes": Kind(heavy, run=1.0),
    "three odd runs a day": Kind(plain, run=1.0, odd=3.0),
}


def wandering(
    seconds: int, relaxation_s: float, start: float, rng: np.random.Generator
) -> tuple[Values, float]:
    """An Ornstein-Uhlenbeck path of unit deviation, from ``start``, and its end."""
    keep = float(np.exp(-1 / relaxation_s))
    kicks = rng.standard_normal(seconds) * np.sqrt(1 - keep**2)
    path, _ = lfilter([1.0], [1.0, -keep], kicks, zi=[keep * start])
    return np.asarray(path), float(path[-1])


def days_of(kind: Kind, days: int, rng: np.random.Generator) -> Iterator[Values]:
    """The scores of each day ``[86400]``."""
    own = rng.standard_normal(WINDOW_S - 1)
    slow, load = rng.standard_normal(2)
    for _ in range(days):
        noise = np.concatenate([own, rng.standard_normal(SECONDS_A_DAY)])
        own = noise[-(WINDOW_S - 1) :]
        sums = np.cumsum(np.concatenate([[0.0], noise]))
        state = (sums[WINDOW_S:] - sums[:-WINDOW_S]) * np.sqrt((1 - SLOW) / WINDOW_S)
        path, slow = wandering(SECONDS_A_DAY, RELAXATION_S, slow, rng)
        state += np.sqrt(SLOW) * path + kind.day * rng.standard_normal()
        if kind.hour:
            state += np.repeat(kind.hour * rng.standard_normal(24), 3600)
        if kind.run:
            runs = kind.run * rng.standard_normal(RUNS_A_DAY)
            for _ in range(rng.poisson(kind.odd)):
                runs[rng.integers(RUNS_A_DAY)] += 3 + rng.exponential(1.5)
            state += np.repeat(runs, SECONDS_A_DAY // RUNS_A_DAY)
        if kind.load:
            path, load = wandering(SECONDS_A_DAY, 4 * 3600, load, rng)
            state += kind.load * path
        for _ in range(rng.poisson(kind.bangs)):
            # Heard by every window that it is in.
            at = int(rng.integers(SECONDS_A_DAY))
            state[at : at + WINDOW_S] += 3 + rng.exponential(1.5)
        yield kind.curve(state)
