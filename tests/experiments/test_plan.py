"""Plans: every combination once, and in plain words what cannot take part."""

from __future__ import annotations

from itertools import product

import pytest

from made_up_outcomes import make_manifest
from rattle import Machine, Recipe
from rattle.clips.manifest import Manifest
from rattle.errors import DataError
from rattle.experiments.plan import plan_adaptation, plan_training
from rattle.recipe.parts import LOSSES

FAN, PUMP = Machine("fan", "id_00"), Machine("pump", "")


def machine(name: str, *, train: int = 10, normal: int = 4, anomaly: int = 74) -> list:
    return [
        (name, "train", "normal", train),
        (name, "test", "normal", normal),
        (name, "test", "anomaly", anomaly),
    ]


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return Recipe.load("small")


@pytest.fixture(scope="module")
def two() -> Manifest:
    return make_manifest(*machine("fan/id_00"), *machine("pump"))


def test_a_training_for_every_method_machine_and_seed(two: Manifest, recipe: Recipe) -> None:
    plan = plan_training(two, recipe, machines=None, methods=["bce", "dsad"], seeds=[0, 3])
    found = [(task.method, task.machine, task.seed) for task in plan.tasks]
    assert sorted(found) == sorted(product(("bce", "dsad"), (FAN, PUMP), (0, 3)))
    assert {(task.anomalies, task.drawn, task.parent) for task in plan.tasks} == {(0, 0, None)}
    assert (plan.machines, plan.notes) == ([FAN, PUMP], ())


def test_adaptations_draw_as_many_as_the_largest_number_and_share_their_parents(
    two: Manifest, recipe: Recipe
) -> None:
    plan = plan_adaptation(
        two, recipe, machines=[FAN], methods=["bce", "dsad"], seeds=[0, 3], counts=[4, 64, 1]
    )
    found = [(task.method, task.seed, task.anomalies) for task in plan.tasks]
    by_encoder = [*product(("bce", "dsad"), (0, 3), (1, 4, 64))]
    assert sorted(found) == sorted([*by_encoder, *product(("bce",), (0, 3), (1, 4, 64))])
    assert {task.drawn for task in plan.tasks} == {64}
    trainings = plan_training(two, recipe, machines=[FAN], methods=["bce", "dsad"], seeds=[0, 3])
    assert {task.parent for task in plan.tasks} == set(trainings.tasks)


def test_heads_learn_where_there_is_a_posterior_and_a_note_says_where_not(
    two: Manifest, recipe: Recipe
) -> None:
    settings = {"machines": [FAN], "seeds": [0], "counts": [4]}
    plan = plan_adaptation(two, recipe, methods=LOSSES, **settings)
    by_head = [task.method for task in plan.tasks if task.way == "head"]
    assert by_head == ["bce", "bce+dsad", "bce+ddcsad"]
    assert [task.method for task in plan.tasks if task.way == "encoder"] == [*LOSSES]
    assert plan.notes == (
        "dsad and ddcsad: by the encoder alone; without a posterior a head has nothing to learn "
        "from anomalies",
    )
    assert plan_adaptation(two, recipe, methods=["bce"], **settings).notes == ()


def test_a_machine_with_too_few_anomalies_left_is_left_out_and_said(recipe: Recipe) -> None:
    clips = make_manifest(
        *machine("fan/id_00", anomaly=74),
        *machine("pump", anomaly=73),
        *machine("valve", anomaly=3),
    )
    settings = {"machines": None, "methods": ["bce"], "seeds": [0]}
    plan = plan_adaptation(clips, recipe, counts=[64], **settings)
    assert plan.machines == [FAN]
    pump, valve = plan.notes
    assert pump.startswith(
        "pump is left out: 73 anomalies; when 64 are moved to training 9 are left for testing, "
        "at least 10 are needed"
    )
    assert valve.startswith("valve is left out: 3 anomalies; when 64 are moved to training 0 are")
    assert plan_adaptation(clips, recipe, counts=[63], **settings).machines == [FAN, PUMP]
    # Without adaptation none has to be set apart.
    assert len(plan_training(clips, recipe, **settings).machines) == 3


def test_machines_without_enough_normals_or_without_both_classes_are_left_out(
    recipe: Recipe,
) -> None:
    clips = make_manifest(
        *machine("fan/id_00"),
        *machine("few", train=9),
        *machine("healthy", anomaly=0),
        *machine("sick", normal=0),
        ("unlabelled", "train", "normal", 10),
        ("unlabelled", "test", "unknown", 50),
    )
    plan = plan_training(clips, recipe, machines=None, methods=["bce"], seeds=[0])
    assert plan.machines == [FAN]
    both = "is left out: its labelled test clips are not of both classes"
    assert plan.notes == (
        "few is left out: 9 normal training clips, at least 10 are needed",
        f"healthy {both}",
        f"sick {both}",
        f"unlabelled {both}",
    )


def test_where_no_machine_can_take_part_every_reason_is_told(recipe: Recipe) -> None:
    clips = make_manifest(*machine("fan/id_00", train=9), *machine("pump", anomaly=0))
    with pytest.raises(DataError, match="no machine can take part") as told:
        plan_training(clips, recipe, machines=None, methods=["bce"], seeds=[0])
    assert "fan/id_00 is left out: 9 normal" in str(told.value)
    assert "pump is left out: its labelled" in str(told.value)


def test_only_machines_named_are_taken_and_an_unknown_one_is_refused(
    two: Manifest, recipe: Recipe
) -> None:
    named = plan_training(two, recipe, machines=[PUMP, PUMP], methods=["bce"], seeds=[0])
    assert [task.machine for task in named.tasks] == [PUMP]
    with pytest.raises(DataError, match=r"no clip of machine pump/id_00; .* fan/id_00, pump$"):
        plan_training(two, recipe, machines=[Machine("pump", "id_00")], methods=["bce"], seeds=[0])
