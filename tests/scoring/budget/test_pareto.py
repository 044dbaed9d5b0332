"""The posterior of the tail, held against scipy's generalised Pareto distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import genpareto, norm

from rattle.scoring.budget.pareto import SHAPE_DEVIATION, SHAPE_MEAN, Pareto


@pytest.mark.parametrize(("shape", "scale"), [(-0.2, 1.0), (0.0, 0.01), (0.2, 30.0)])
def test_each_point_of_the_grid_is_the_distribution_of_scipy(shape: float, scale: float) -> None:
    point = Pareto(np.array([shape]), np.array([scale]), np.ones(1))
    for excess in scale * np.array([0.0, 0.1, 1.0, 4.0, 6.0]):
        assert point.survival(excess) == pytest.approx(genpareto.sf(excess, shape, scale=scale))


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.3])
def test_every_peak_reaches_what_is_below_the_base(shape: float) -> None:
    one = Pareto(np.array([shape]), np.array([1e-3]), np.ones(1))
    assert one.survival(-2.0) == 1.0


def test_the_posterior_is_that_of_a_finer_grid_of_scipys_densities() -> None:
    excesses = genpareto.rvs(0.1, scale=2.0, size=30, random_state=3)
    xi = np.linspace(-0.4, 0.6, 101)
    log_sigma = np.log(excesses.mean()) + np.linspace(-2, 2, 201)
    density = np.array(
        [[genpareto.logpdf(excesses, x, scale=np.exp(s)).sum() for x in xi] for s in log_sigma]
    ) + norm.logpdf(xi, SHAPE_MEAN, SHAPE_DEVIATION)
    weights = np.exp(density - density.max())
    weights /= weights.sum()
    for excess in (1.0, 8.0, 15.0):
        each = genpareto.sf(excess, xi[None, :], scale=np.exp(log_sigma)[:, None])
        expected = (weights * each).sum()
        assert Pareto.of(excesses).survival(excess) == pytest.approx(expected, rel=0.02)


def test_the_tail_of_many_peaks_is_found() -> None:
    excesses = genpareto.rvs(0.15, scale=2.0, size=5000, random_state=0)
    for share in (0.1, 0.01, 0.001):
        expected = genpareto.isf(share, 0.15, scale=2.0)
        assert Pareto.of(excesses).excess_of(share) == pytest.approx(expected, rel=0.15)


def test_less_heard_is_a_higher_level() -> None:
    excesses = genpareto.rvs(0.0, scale=1.0, size=200, random_state=1)
    levels = [Pareto.of(excesses[:n] / excesses[:n].mean()).excess_of(0.01) for n in (3, 20, 200)]
    assert levels == sorted(levels, reverse=True)


def test_it_does_not_hang_on_the_unit_of_the_score() -> None:
    excesses = genpareto.rvs(0.1, scale=1.0, size=40, random_state=2)
    one, thousandth = (Pareto.of(unit * excesses).excess_of(0.01) for unit in (1.0, 1e-3))
    assert thousandth == pytest.approx(one * 1e-3)


def test_peaks_of_which_only_a_lower_bound_is_known_do_not_bias_the_tail() -> None:
    excesses = genpareto.rvs(0.0, scale=1.0, size=3000, random_state=4)
    known, beyond = excesses[excesses < 2], excesses[excesses >= 2]
    whole = Pareto.of(excesses).excess_of(1e-3)
    censored = Pareto.of(known, np.full(len(beyond), 2.0)).excess_of(1e-3)
    cut_off = Pareto.of(known).excess_of(1e-3)
    assert censored == pytest.approx(whole, rel=0.15)
    assert cut_off < 0.6 * whole


def test_a_tail_takes_an_excess() -> None:
    with pytest.raises(ValueError, match="at least one excess"):
        Pareto.of(np.zeros(3))
