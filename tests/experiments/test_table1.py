"""Table I: alpha is chosen on validation machines and on no other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from made_up_outcomes import make_outcome
from rattle import Machine
from rattle.errors import DataError
from rattle.evaluation.metrics import auc
from rattle.experiments.table1 import check_kinds, is_validation, table1
from rattle.runs.outcome import Outcome

# A clip is (logit, distance). By the posterior alone (alpha 1) or by the distance alone (alpha 0)
# the anomaly is above the normals; by the other part below.
BY_POSTERIOR = {"normal": [(5, 0.8), (6, 0.9)], "anomaly": [(-5, 0.1), (-6, 0.2)]}
BY_DISTANCE = {"normal": [(-5, 0.1), (-6, 0.2)], "anomaly": [(5, 0.8), (6, 0.9)]}


@pytest.fixture
def make() -> Any:
    def one(machine: str, parts: dict[str, Any], **changes: Any) -> Outcome:
        return make_outcome(machine, **{"method": "bce+ddcsad"} | parts | changes)

    return one


def test_the_alpha_that_would_suit_the_evaluation_machines_is_not_chosen(make: Any) -> None:
    (row,) = table1(
        [make("fan/id_00", BY_POSTERIOR), make("fan/id_01", BY_DISTANCE)], None, scale="fixed"
    )
    assert row.alpha >= 0.5
    assert (row.validation, row.evaluation) == (1.0, 0.0)
    (row,) = table1(
        [make("fan/id_00", BY_DISTANCE), make("fan/id_01", BY_POSTERIOR)], None, scale="fixed"
    )
    assert row.alpha < 0.5
    assert (row.validation, row.evaluation) == (1.0, 0.0)


def test_the_machines_named_take_the_place_of_dcases(make: Any) -> None:
    outcomes = [make("fan/id_00", BY_POSTERIOR), make("fan/id_01", BY_DISTANCE)]
    (row,) = table1(outcomes, [Machine("fan", "id_01")], scale="fixed")
    assert row.alpha < 0.5
    assert (row.validation, row.evaluation) == (1.0, 0.0)


@pytest.mark.parametrize("scale", ["fixed", "paper"])
def test_alpha_has_the_largest_mean_auc_over_machines_and_seeds(make: Any, scale: Any) -> None:
    rng = np.random.default_rng(3)

    def parts() -> dict[str, Any]:
        return {
            "normal": list(zip(rng.normal(0.6, 2, 25), rng.gamma(2, 0.3, 25), strict=True)),
            "anomaly": list(zip(rng.normal(0, 2, 20), rng.gamma(2.3, 0.35, 20), strict=True)),
        }

    outcomes = [
        make(f"pump/id_{id_:02}", parts(), seed=seed) for id_ in (0, 1, 2, 3, 5) for seed in (0, 1)
    ]
    (row,) = table1(outcomes, None, scale=scale)
    alphas = np.round(np.arange(11) / 10, 1)

    def means(ids: tuple[int, ...]) -> np.ndarray:
        chosen = [o for o in outcomes if int(o.machine[-2:]) in ids]
        return np.array([np.mean([auc(*score(o, a, scale)) for o in chosen]) for a in alphas])

    on_validation, on_evaluation = means((0, 2)), means((1, 3, 5))
    assert on_validation.max() - np.sort(on_validation)[-2] > 1e-6  # a single best one
    assert row.alpha == alphas[on_validation.argmax()]
    assert row.validation == pytest.approx(on_validation.max())
    assert row.evaluation == pytest.approx(on_evaluation[on_validation.argmax()])
    assert row.default == pytest.approx(on_evaluation[5])
    assert row.paper == 1.0


def score(outcome: Outcome, alpha: float, scale: str) -> tuple[np.ndarray, np.ndarray]:
    """Equation 5 by hand."""
    logits = np.array([clip.logits[0] for clip in outcome.clips])
    distances = np.array([clip.distances[0] for clip in outcome.clips])
    if scale == "paper":
        distances = (distances - distances.min()) / (distances.max() - distances.min())
    scores = alpha / (1 + np.exp(logits)) + (1 - alpha) * distances
    is_anomaly = np.array([clip.label == "anomaly" for clip in outcome.clips])
    return scores[~is_anomaly], scores[is_anomaly]


def test_of_equally_good_alphas_the_nearest_to_the_recipes_is_chosen(make: Any) -> None:
    both = {"normal": [(5, 0.1)], "anomaly": [(-5, 0.9)]}
    for default in (0.0, 0.3, 1.0):
        outcomes = [make(f"fan/id_0{i}", both, alpha=default) for i in (0, 1)]
        assert table1(outcomes, None, scale="fixed")[0].alpha == default


def test_only_combined_losses_without_anomalies_and_types_of_both_kinds_have_a_row(
    make: Any,
) -> None:
    outcomes = [
        *(make(f"fan/id_0{i}", BY_DISTANCE, method="bce+dsad") for i in (0, 1)),
        *(make(f"fan/id_0{i}", BY_DISTANCE) for i in (0, 1)),
        *(make(f"pump/id_0{i}", BY_DISTANCE) for i in (0, 2)),
        *(make(f"press/id_0{i}", BY_DISTANCE) for i in (0, 1)),
        *(make(f"slider/id_0{i}", BY_DISTANCE, method="ddcsad") for i in (0, 1)),
        *(make(f"valve/id_0{i}", BY_DISTANCE, anomalies=2) for i in (0, 1)),
    ]
    rows = table1(outcomes, None, scale="fixed")
    assert [(row.method, row.type, row.paper) for row in rows] == [
        ("bce+dsad", "fan", 0.1),
        ("bce+ddcsad", "fan", 0.1),
    ]


def test_a_row_that_lacks_a_machine_or_seed_is_left_out(make: Any) -> None:
    outcomes = [
        make(f"fan/id_0{i}", BY_DISTANCE, method=method, seed=seed)
        for method in ("bce+dsad", "bce+ddcsad")
        for i in (0, 1, 2)
        for seed in (0, 1)
    ]
    whole = table1(outcomes, None, scale="fixed")
    assert len(whole) == 2
    for place in (0, 3, 5):
        left = [*outcomes[:place], *outcomes[place + 1 :]]
        assert table1(left, None, scale="fixed") == whole[1:]


def test_without_machines_of_both_kinds_there_is_nothing_to_choose() -> None:
    fans = [Machine("fan", "id_00"), Machine("fan", "id_02")]
    pump = Machine("pump", "id_01")
    with pytest.raises(DataError, match="no type has machines of both kinds") as told:
        check_kinds([*fans, pump], None)
    assert told.value.arguments == ("validation",)
    with pytest.raises(DataError, match="no type has machines of both kinds"):
        check_kinds([*fans, pump], fans)
    with pytest.raises(DataError, match=r"^fan/id_2, .* take part: fan/id_00, fan/id_02$") as told:
        check_kinds(fans, [fans[0], Machine("fan", "id_2")])
    assert told.value.arguments == ("validation",)
    check_kinds([*fans, pump], fans[:1])
    check_kinds([*fans, Machine("fan", "id_01")], None)


def test_dcases_development_machines_are_the_validation_machines() -> None:
    assert is_validation(Machine("ToyCar", "id_04"), None)
    assert not is_validation(Machine("ToyCar", "id_05"), None)
    assert not is_validation(Machine("press", "id_00"), None)
    assert is_validation(Machine("press", "id_00"), [Machine("press", "id_00")])
    assert not is_validation(Machine("ToyCar", "id_04"), [Machine("press", "id_00")])
