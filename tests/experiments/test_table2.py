"""Table II: means seed by seed, and nothing where something is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from made_up_outcomes import make_outcome
from rattle.experiments.table2 import AVERAGE, METHODS, Spread, table2
from rattle.runs.outcome import Outcome

# Three fans, two pumps and a valve: a mean over types is not the mean over machines.
MACHINES = ("fan/id_00", "fan/id_02", "fan/id_04", "pump/id_00", "pump/id_02", "valve/id_00")
SEEDS = (0, 1, 4)
BASELINE = METHODS[-1]


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    rng = np.random.default_rng(0)
    return [
        make_outcome(
            machine,
            method=method,
            seed=seed,
            normal=rng.normal(0, 1, 20),
            anomaly=rng.normal(rng.uniform(0, 2), 1, 15),
        )
        for method in (BASELINE, "bce", "ddcsad")
        for machine in MACHINES
        for seed in SEEDS
    ]


def by_hand(outcomes: list[Outcome], method: str, *, max_fpr: float | None = None) -> np.ndarray:
    """scikit-learn's AUC or pAUC, ``[machines, seeds]``."""
    found = {}
    for outcome in outcomes:
        if outcome.method == method:
            scores = [clip.distances[0] for clip in outcome.clips]
            labels = [clip.label == "anomaly" for clip in outcome.clips]
            area = roc_auc_score(labels, scores, max_fpr=max_fpr)
            found[outcome.machine, outcome.seed] = area
    return np.array([[found[machine, seed] for seed in SEEDS] for machine in MACHINES])


@pytest.mark.parametrize("scale", ["fixed", "paper"])
@pytest.mark.parametrize(("figure", "max_fpr"), [("auc", None), ("pauc", 0.1)])
def test_means_and_standard_errors_are_those_computed_by_hand(
    outcomes: list[Outcome], figure: str, max_fpr: float | None, scale: Any
) -> None:
    table = table2(outcomes, scale=scale)
    for method in ("bce", "ddcsad", BASELINE):
        of = by_hand(outcomes, method, max_fpr=max_fpr)
        types = np.stack([of[:3].mean(axis=0), of[3:5].mean(axis=0), of[5]])
        expected = {
            **dict(zip(MACHINES, of, strict=True)),
            "fan mean": types[0],
            "pump mean": types[1],
            AVERAGE: types.mean(axis=0),
        }
        assert {column for m, column in table.cells if m == method} == expected.keys()
        for column, by_seed in expected.items():
            spread: Spread = getattr(table.cells[method, column], figure)
            assert spread.mean == pytest.approx(by_seed.mean(), abs=1e-12)
            error = by_seed.std(ddof=1) / np.sqrt(len(SEEDS))
            assert spread.standard_error == pytest.approx(error, abs=1e-12)
            assert spread.seeds == 3


def test_columns_go_by_type_and_methods_as_the_paper_has_them(outcomes: list[Outcome]) -> None:
    table = table2(reversed(outcomes), scale="fixed")
    assert table.columns == (
        *MACHINES[:3],
        "fan mean",
        *MACHINES[3:5],
        "pump mean",
        "valve/id_00",
        AVERAGE,
    )
    assert table.methods == ("bce", "ddcsad", BASELINE)
    assert table.seeds == SEEDS


def test_what_a_missing_model_enters_into_is_left_out_and_nothing_else(
    outcomes: list[Outcome],
) -> None:
    left = [o for o in outcomes if (o.method, o.machine, o.seed) != ("ddcsad", "pump/id_02", 4)]
    whole, table = table2(outcomes, scale="fixed"), table2(left, scale="fixed")
    gone = {("ddcsad", column) for column in ("pump/id_02", "pump mean", AVERAGE)}
    assert whole.cells.keys() - table.cells.keys() == gone
    assert all(table.cells[key] == whole.cells[key] for key in table.cells)
    assert (table.columns, table.methods) == (whole.columns, whole.methods)


def test_one_seed_has_no_standard_error(outcomes: list[Outcome]) -> None:
    table = table2([o for o in outcomes if o.seed == 1], scale="fixed")
    assert {cell.auc.standard_error for cell in table.cells.values()} == {None}


def test_a_single_machine_has_no_averages() -> None:
    table = table2([make_outcome("press-3", normal=[0], anomaly=[1])], scale="fixed")
    assert table.columns == ("press-3",)


def test_a_machine_without_id_is_not_taken_for_its_types_mean() -> None:
    table = table2(
        [
            make_outcome("press", normal=[0, 1], anomaly=[2]),
            make_outcome("press/old", normal=[0, 1], anomaly=[0.5]),
        ],
        scale="fixed",
    )
    found = {column: cell.auc.mean for (_, column), cell in table.cells.items()}
    assert found == {"press": 1.0, "press/old": 0.5, "press mean": 0.75, AVERAGE: 0.75}


def test_adapted_models_and_machines_of_one_class_are_not_in_it() -> None:
    trained = make_outcome(normal=[0], anomaly=[1])
    others = [
        make_outcome(normal=[1], anomaly=[0], anomalies=4),
        make_outcome("fan/id_02", normal=[1, 2], anomaly=[]),
    ]
    assert table2([trained, *others], scale="fixed") == table2([trained], scale="fixed")
