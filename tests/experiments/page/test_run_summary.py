"""The summary: models by machines."""

from __future__ import annotations

from statistics import fmean, stdev

import pytest

from made_up_runs import random_outcome
from rattle.experiments.page.series import Kind, measure
from rattle.experiments.page.summary import summarise


def pairs(*outcomes):
    return [(Kind(o.recipe, o.method, o.anomalies), o) for o in outcomes]


def auc_of(outcome) -> float:
    return measure(outcome, "fixed").auc


def test_rows_are_sorted_by_the_widest_mean_and_columns_from_it_down() -> None:
    outcomes = [
        random_outcome(seed, shift=shift, method=method, machine=machine)
        for method, shift in (("bce+dsad", 0.3), ("dsad", 3.0), ("ddcsad", 1.0))
        for machine in ("fan/id_00", "fan/id_02", "pump/id_00")
        for seed in (0, 1)
    ]
    summary = summarise(pairs(*outcomes), "fixed")
    assert summary.columns == (
        "machine average",
        "fan mean",
        "fan/id_00",
        "fan/id_02",
        "pump/id_00",
    )
    assert [kind.method for kind in summary.rows] == ["dsad", "ddcsad", "bce+dsad"]
    best = summary.cells[summary.rows[0], "machine average"].auc.mean
    assert summary.best["machine average"][0] == best


def test_a_cell_is_the_mean_over_seeds_with_its_standard_error() -> None:
    outcomes = [random_outcome(seed) for seed in range(3)]
    summary = summarise(pairs(*outcomes), "fixed")
    found = summary.cells[summary.rows[0], "fan/id_00"].auc
    aucs = [auc_of(outcome) for outcome in outcomes]
    assert found.mean == pytest.approx(fmean(aucs))
    assert found.standard_error == pytest.approx(stdev(aucs) / 3**0.5)
    assert summary.seeds == found.seeds == 3


def test_where_seeds_differ_a_cell_is_over_those_that_it_has() -> None:
    outcomes = [
        *(random_outcome(seed, method="bce+dsad") for seed in (0, 1)),
        random_outcome(0, method="ddcsad"),
        random_outcome(5, method="ddcsad", machine="pump/id_00"),
    ]
    summary = summarise(pairs(*outcomes), "fixed")
    seeds = {(k.method, column): cell.auc.seeds for (k, column), cell in summary.cells.items()}
    assert seeds["bce+dsad", "fan/id_00"] == 2
    assert seeds["ddcsad", "fan/id_00"] == 1
    assert seeds["ddcsad", "pump/id_00"] == 1
    # No seed has both machines: there is no average.
    assert ("ddcsad", "machine average") not in seeds


def test_two_recipes_have_rows_of_their_own() -> None:
    outcomes = [random_outcome(0, recipe=recipe) for recipe in ("small", "paper")]
    summary = summarise(pairs(*outcomes), "fixed")
    assert {kind.recipe for kind in summary.rows} == {"small", "paper"}


def test_adapted_models_are_in_no_summary() -> None:
    assert summarise(pairs(random_outcome(0, anomalies=3)), "fixed") is None
