"""The figures of runs and of series of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_up_outcomes import make_outcome
from made_up_runs import random_outcome
from rattle.evaluation.metrics import auc
from rattle.experiments.page.series import (
    Kind,
    Series,
    detection_rates,
    measure,
    without_doubles,
)
from rattle.runs.folder import RunFolder
from rattle.runs.run import Run

# Small integers, so that ties between and within the classes are frequent.
scores = st.lists(st.integers(-5, 5), min_size=1, max_size=12).map(lambda s: np.array(s, float))


def run_of(outcome, name: str = "a") -> Run:
    return Run(
        name=name,
        folder=RunFolder(Path(name)),
        method=outcome.method,
        machine=outcome.of,
        seed=outcome.seed,
        anomalies=outcome.anomalies,
        recipe=outcome.recipe,
        finished=True,
        scored=RunFolder(Path(name)),
        way=outcome.way,
        outcome=outcome,
    )


def series_of(*outcomes) -> Series:
    runs = tuple(run_of(outcome) for outcome in outcomes)
    return Series(Kind.of(runs[0]), runs, tuple(measure(o, "fixed") for o in outcomes))


@given(scores, scores)
def test_the_area_below_the_curve_is_the_auc_of_equation_6(normal, anomaly) -> None:
    assert detection_rates(normal, anomaly).mean() == pytest.approx(auc(normal, anomaly))


def test_the_curve_counts_what_a_threshold_would() -> None:
    normal, anomaly = np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.5, 2.0, 2.5, 9.0, 9.5])
    # Just above each normal, from the highest on: 0, 1, 2, 3 false alarms.
    expected = [(anomaly > threshold).mean() for threshold in (3.0, 2.0, 1.0, 0.0)]
    assert detection_rates(normal, anomaly).tolist() == expected


def test_the_mean_curve_of_several_seeds_has_their_mean_auc() -> None:
    series = series_of(*(random_outcome(seed) for seed in range(3)))
    aucs = [found.auc for found in series.ranked]
    assert len(set(aucs)) == 3
    assert series.detection_rates.mean() == pytest.approx(np.mean(aucs))
    assert series.auc.mean == pytest.approx(np.mean(aucs))


def test_curves_over_other_numbers_of_normals_are_averaged_as_steps() -> None:
    coarse = make_outcome(normal=[0.0, 2.0], anomaly=[1.0, 3.0])
    fine = make_outcome(normal=[0.0, 0.1, 0.2, 0.3], anomaly=[1.0, 3.0], seed=1)
    assert series_of(coarse, fine).detection_rates.tolist() == [0.75, 0.75, 1.0, 1.0]


def test_anomalies_that_were_drawn_are_in_no_figure() -> None:
    outcome = make_outcome(
        normal=[0.0, 1.0], anomaly=[-1.0, 2.0, 3.0], drawn=("anomaly-0",), anomalies=1
    )
    found = measure(outcome, "fixed")
    assert found.anomaly.tolist() == [2.0, 3.0]
    assert found.auc == 1.0
    assert found.counts.misses == 0


def test_decisions_are_those_of_the_fixed_scale_that_the_threshold_is_of() -> None:
    outcome = make_outcome(normal=[0.0, 4.0], anomaly=[2.0, 8.0], threshold=3.0)
    fixed, paper = measure(outcome, "fixed"), measure(outcome, "paper")
    assert (fixed.counts.misses, fixed.counts.false_alarms) == (1, 1)
    assert paper.counts == fixed.counts
    assert paper.anomaly.tolist() == [0.25, 1.0]
    assert (fixed.threshold, paper.threshold) == (3.0, None)


def test_of_two_runs_of_the_same_one_is_left_out_and_named() -> None:
    first, second = run_of(random_outcome(), "one"), run_of(random_outcome(), "two")
    other = run_of(random_outcome(1), "three")
    runs, (note,) = without_doubles([first, second, other])
    assert runs == [first, other]
    assert "two is, like one, of ddcsad for fan/id_00 with seed 0" in note


def test_a_run_under_way_gives_way_to_a_finished_one() -> None:
    under_way = replace(run_of(random_outcome(), "one"), finished=False, outcome=None)
    finished = run_of(random_outcome(), "two")
    assert without_doubles([under_way, finished]) == ([finished], [])
