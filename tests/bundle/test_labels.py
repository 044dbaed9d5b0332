"""What people call a detector's clips: what is refused, and what becomes of its provenance."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rattle.bundle.labels import check_labels, kept_from_training, relabelled, silenced_by
from rattle.bundle.schema import BundleInfo, HeldOut, Provenance
from rattle.clips.amplitude import Amplitude
from rattle.errors import DataError
from rattle.recipe import Recipe
from rattle.scoring.score import Scale

ORIGIN = Provenance(
    created="2026-01-01T00:00:00+00:00",
    rattle="0",
    torch="0",
    seed=0,
    data_hash="0",
    trained=tuple(f"t{n}" for n in range(10)),
    held_out=("h0", "h1"),
    anomalies=("a0", "a1"),
    validation=("v0",),
    outliers="normal clips of others",
    outliers_substitute=False,
)


def info(recipe: Recipe | None = None, **origin: tuple[str, ...]) -> BundleInfo:
    return BundleInfo(
        machine="fan/id_00",
        recipe=recipe or Recipe.load("fleet").with_values(training={"minimum_normals": 8}),
        amplitude=Amplitude(0.0, 1.0),
        alpha=0.5,
        alpha_origin="the recipe's default",
        scale=Scale(0.0, 1.0),
        held_out=(HeldOut(gap=0.1, distance=0.1),),
        golden=(),
        provenance=ORIGIN.model_copy(update=origin),
    )


def named(*hashes: str) -> dict[str, str]:
    return {hash_: f"{hash_}.wav" for hash_ in hashes}


# What is refused


def test_a_baseline_is_refused_and_it_is_said_what_to_train() -> None:
    baseline = info().model_copy(update={"recipe": Recipe.load("small").for_method("knn")})
    with pytest.raises(DataError, match=r"a baseline \(knn\), .* such as bce\+ddcsad"):
        check_labels(baseline, named("new"), {})


def test_nothing_to_learn_from_is_refused_and_both_options_are_named() -> None:
    with pytest.raises(DataError, match="give anomalies, normal clips, or both") as raised:
        check_labels(info(), {}, {})
    assert raised.value.arguments == ("anomalies", "normals")


def test_one_content_given_as_both_is_refused_by_the_anomalys_name() -> None:
    with pytest.raises(DataError, match=r"^fault\.wav is given as an anomaly and as normal"):
        check_labels(info(), {"x": "fault.wav"}, {"x": "copy of it.wav"})


def test_too_few_normals_left_are_refused_and_counted() -> None:
    wrong = named("t0", "t1", "t2", "h0", "h1", "new")
    with pytest.raises(DataError, match=r"^5 of the anomalies .* only 7 normal .*at least 8"):
        check_labels(info(), wrong, {})
    check_labels(info(), wrong, named("n0"))


def test_few_normals_are_no_reason_to_refuse_faults_that_were_never_normal() -> None:
    few = info(trained=("t0",), held_out=("h0",))
    check_labels(few, named("new"), {})
    with pytest.raises(DataError, match="only 1 normal clips would be left"):
        check_labels(few, named("t0"), {})


def test_normals_alone_and_anomalies_alone_will_do() -> None:
    check_labels(info(), named("new", "a0"), {})
    check_labels(info(), {}, named("new", "a0", "t0", "h0"))


# Which new normals make the threshold


def test_of_new_normals_the_recipes_share_is_kept_from_training() -> None:
    share = info().recipe.training.held_out
    new = [f"n{n}" for n in range(20)]
    kept = kept_from_training(info(), new, seed=0)
    assert len(kept) == round(20 * share)
    assert kept < {*new}
    assert kept == kept_from_training(info(), new, seed=0)
    assert any(kept != kept_from_training(info(), new, seed=seed) for seed in range(1, 5))


def test_what_it_has_learnt_from_is_never_kept_from_training_but_what_was_held_out_stays() -> None:
    for seed in range(5):
        assert kept_from_training(info(), ["t0", "a0", "a1", "v0", "h1"] * 4, seed) == {"h1"}


def test_what_was_both_trained_on_and_held_out_is_no_longer_held_out() -> None:
    both = info(held_out=("h0", "t0"))
    assert kept_from_training(both, ["t0", "h0"], 0) == {"h0"}


# Changing sides


def test_an_anomaly_that_is_called_normal_changes_sides_and_back() -> None:
    normal = relabelled(ORIGIN, trained=["a0"], held_out=[], anomalies=[], normals=["a0"])
    assert normal.anomalies == ("a1",)
    assert normal.trained == (*ORIGIN.trained, "a0")
    assert normal.held_out == ORIGIN.held_out
    back = relabelled(normal, trained=[], held_out=[], anomalies=["a0"], normals=[])
    assert (back.trained, back.held_out) == (ORIGIN.trained, ORIGIN.held_out)
    assert {*back.anomalies} == {*ORIGIN.anomalies}


def test_a_normal_that_is_called_a_fault_is_no_normal_any_more() -> None:
    made = relabelled(ORIGIN, trained=[], held_out=[], anomalies=["t3", "h0"], normals=[])
    assert "t3" not in made.trained
    assert made.held_out == ("h1",)
    assert made.anomalies == ("t3", "h0", "a0", "a1")


LABELS = st.dictionaries(
    st.sampled_from([*ORIGIN.used, "n0", "n1", "n2"]), st.sampled_from(["anomaly", "normal"])
)


@given(LABELS)
def test_every_clip_is_on_one_side_and_none_is_forgotten(labels: dict[str, str]) -> None:
    normals = [hash_ for hash_, label in labels.items() if label == "normal"]
    anomalies = [hash_ for hash_, label in labels.items() if label == "anomaly"]
    kept = kept_from_training(info(), normals, seed=0)
    made = relabelled(
        ORIGIN,
        trained=[hash_ for hash_ in normals if hash_ not in kept],
        held_out=sorted(kept),
        anomalies=anomalies,
        normals=normals,
    )
    sides = Counter((*made.trained, *made.held_out, *made.anomalies))
    assert max(sides.values()) == 1
    assert {*made.used} == {*ORIGIN.used, *labels}
    assert {*anomalies} <= {*made.anomalies}
    assert {*normals} <= {*made.trained, *made.held_out}


def test_what_was_called_normal_stays_so_until_it_is_called_a_fault() -> None:
    once = ORIGIN.model_copy(update={"silenced": ("s0", "s1")})
    assert silenced_by(once, ["n0", "s1"], []) == ["n0", "s1", "s0"]
    assert silenced_by(once, [], ["s0"]) == ["s1"]
