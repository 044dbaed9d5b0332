"""Fitting a head anew to the embeddings that a bundle keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from made_up_known import D, MadeUp, clips_at, made_up
from rattle.bundle.known import WINDOWS_A_CLIP, Known
from rattle.bundle.schema import CrossFitted
from rattle.runtime.clip_scorer import threshold_of
from rattle.runtime.refit import Fitted, averaged, refit
from rattle.scoring.head import CENTRES, Head
from rattle.scoring.threshold import silencing

FAULTS = clips_at(1, 6, seed=4, faulty=1.5)
HEALTHY = clips_at(1, 4, seed=5, faulty=0.5)
# Every way a head can be made: nearest normals, c_p, a fixed c, none, no posterior.
KINDS: dict[str, Callable[[], MadeUp]] = {
    "nearest": lambda: made_up("bce+ddcsad"),
    "c_p": lambda: made_up("bce+ddcsad", nearest=False),
    "fixed c": lambda: made_up("bce+dsad"),
    "bce": lambda: made_up("bce"),
    "no posterior": lambda: made_up("ddcsad"),
    "no posterior, c_p": lambda: made_up("ddcsad", nearest=False),
}
WITH_POSTERIOR = ("nearest", "c_p", "fixed c", "bce")


@pytest.fixture(params=KINDS)
def any_kind(request: pytest.FixtureRequest) -> MadeUp:
    return KINDS[request.param]()


@pytest.fixture(params=WITH_POSTERIOR)
def machine(request: pytest.FixtureRequest) -> MadeUp:
    """Of those kinds that can learn from anomalies."""
    return KINDS[request.param]()


def same(one: Head, other: Head) -> bool:
    """Whether two heads are the same to the last bit."""
    arrays, others = one.arrays(), other.arrays()
    return arrays.keys() == others.keys() and all(
        np.array_equal(arrays[name], others[name]) for name in arrays
    )


def with_anomalies(known: Known, *clips: object) -> Known:
    return replace(known, anomalies=clips)


def with_normals(known: Known, *clips: object) -> Known:
    return replace(known, normals=(*clips, *known.normals))


def mean_scores(fitted: Fitted, clips: object) -> float:
    """How high clips score, in deviations of the held-out normals'."""
    normal = fitted.held_out.scores(fitted.mix)
    return float((fitted.scores(clips).mean() - normal.mean()) / normal.std())  # type: ignore[arg-type]


# The trained head


def test_with_nothing_labelled_it_is_the_trained_head(any_kind: MadeUp) -> None:
    fitted = any_kind.refit(any_kind.known)
    assert same(fitted.head, any_kind.head)
    assert fitted.quiet == ()
    assert not fitted.is_raised


def test_a_label_taken_back_gives_the_trained_head_back(any_kind: MadeUp) -> None:
    """Called normal at first, as a new state; then found to be a fault, then no word of it."""
    known = any_kind.known
    if any_kind.recipe.has_moving_centroids and not any_kind.recipe.measures_nearest:
        # As a head adaptation keeps it.
        known = replace(known, start={**known.start, "centre": any_kind.head.centres[0]})
    silent = any_kind.refit(with_normals(known, *FAULTS[:2]), *FAULTS[:2])
    assert silent.quiet == (FAULTS[0].hash, FAULTS[1].hash)
    again = any_kind.refit(known, head=silent.head)
    assert same(again.head, any_kind.head)
    if any_kind.recipe.has_posterior:
        labelled = with_anomalies(known, *FAULTS[:2])
        assert same(any_kind.refit(labelled, head=silent.head).head, any_kind.refit(labelled).head)


def test_a_training_clip_that_is_called_a_fault_is_nothing_that_d_is_measured_from() -> None:
    machine = KINDS["nearest"]()
    wrong, *normals = machine.known.normals
    known = replace(machine.known, normals=tuple(normals), anomalies=(wrong,))
    before = averaged(machine.head, [wrong]).distance
    after = averaged(machine.refit(known).head, [wrong]).distance
    assert before is not None
    assert after is not None
    assert before == pytest.approx([0])
    assert after > 0.005


# Anomalies


def test_in_whatever_order_clips_were_labelled_the_head_is_the_same(machine: MadeUp) -> None:
    heads = []
    for order in permutations(range(3)):
        known = with_anomalies(machine.known, *(FAULTS[n] for n in order))
        known = with_normals(known, *(HEALTHY[n] for n in order))
        heads.append(machine.refit(known, *HEALTHY[:3]))
    for other in heads[1:]:
        for name, values in heads[0].head.arrays().items():
            np.testing.assert_allclose(other.head.arrays()[name], values, rtol=1e-5, atol=1e-6)
        assert other.threshold == pytest.approx(heads[0].threshold, rel=1e-5, abs=1e-9)


def test_the_order_does_not_matter_where_more_windows_are_new_than_are_measured_from() -> None:
    machine = KINDS["nearest"]()
    long = clips_at(1, 4, seed=7, windows=60)
    one, other = (
        machine.refit(with_normals(machine.known, *clips), *clips).head.centres
        for clips in (long, long[::-1])
    )
    assert one is not None
    assert len(one) == CENTRES // 2 + 60
    np.testing.assert_array_equal(one, other)


def test_from_wherever_a_head_sets_out_the_labels_decide_it(machine: MadeUp) -> None:
    """One label after the other comes to what all of them at once do."""
    at_once = machine.refit(with_anomalies(machine.known, *FAULTS[:3]))
    first = machine.refit(with_anomalies(machine.known, FAULTS[0]))
    second = machine.refit(with_anomalies(machine.known, *FAULTS[:2]), head=first.head)
    third = machine.refit(with_anomalies(machine.known, *FAULTS[:3]), head=second.head)
    assert same(third.head, at_once.head)


def test_faults_of_the_kind_that_was_shown_stand_out_more_and_the_more_were_shown(
    machine: MadeUp,
) -> None:
    others = FAULTS[3:]
    ahead = [
        mean_scores(machine.refit(with_anomalies(machine.known, *FAULTS[:count])), others)
        for count in (0, 1, 3)
    ]
    assert ahead == sorted(ahead)
    assert ahead[2] > 1.2 * ahead[0]


def test_healthy_clips_stay_no_alarm(machine: MadeUp) -> None:
    fitted = machine.refit(with_anomalies(machine.known, *FAULTS[:3]))
    assert not any(fitted.alarms(machine.known.held_out))
    assert sum(fitted.alarms(clips_at(1, 20, seed=11))) <= 6


def test_what_d_is_measured_from_stays_where_anomalies_alone_are_new(machine: MadeUp) -> None:
    fitted = machine.refit(with_anomalies(machine.known, *FAULTS))
    arrays = fitted.head.arrays()
    assert arrays.keys() == machine.head.arrays().keys()
    if machine.head.centres is not None:
        np.testing.assert_array_equal(arrays["centres"], machine.head.centres)


# What someone called normal


def test_a_long_recording_is_measured_from_in_few_windows_and_is_no_alarm_as_a_whole(
    any_kind: MadeUp,
) -> None:
    (long,) = clips_at(1, 1, seed=13, windows=4000, faulty=1.5)
    some = long.shortened()
    assert len(some.z) == WINDOWS_A_CLIP
    whole, part = (any_kind.refit(with_normals(any_kind.known, c), c) for c in (long, some))
    if part.head.centres is not None and whole.head.centres is not None:
        np.testing.assert_array_equal(whole.head.centres, part.head.centres)
    assert whole.alarms([long]) == [False]


@pytest.mark.parametrize("held_out", [False, True])
def test_a_silenced_clip_is_no_alarm_even_where_it_sounds_like_a_fault(
    any_kind: MadeUp, held_out: bool
) -> None:
    loud = clips_at(1, 1, seed=6, faulty=1.5)
    known = any_kind.known
    if any_kind.recipe.has_posterior:
        known = with_anomalies(known, *FAULTS)
    side = "held_out" if held_out else "normals"
    known = replace(known, **{side: (*loud, *getattr(known, side))})
    fitted = any_kind.refit(known, *loud)
    assert fitted.alarms(loud) == [False]
    assert fitted.quiet == (loud[0].hash,)


def test_where_a_silenced_clip_sounds_like_the_faults_the_threshold_rises_and_it_is_said() -> None:
    machine = KINDS["bce"]()
    twin = clips_at(1, 1, seed=4, faulty=1.5)
    twin = (replace(twin[0], clip=twin[0].clip._replace(hash="f" * 64)),)
    plain = machine.refit(with_anomalies(machine.known, *FAULTS))
    fitted = machine.refit(with_normals(with_anomalies(machine.known, *FAULTS), *twin), *twin)
    assert fitted.is_raised
    assert fitted.threshold == pytest.approx(silencing(fitted.scores(twin)))
    assert fitted.threshold > plain.threshold
    assert fitted.alarms(FAULTS[:1]) == [False]


def test_a_loud_clip_that_was_held_out_is_learnt_from_before_the_threshold_rises_for_it() -> None:
    machine = KINDS["nearest"]()
    loud = clips_at(3, 1, seed=9)  # another state
    labelled = with_anomalies(machine.known, *FAULTS)
    plain = machine.refit(labelled)
    assert plain.alarms(loud) == [True]
    fitted = machine.refit(replace(labelled, held_out=(*loud, *labelled.held_out)), *loud)
    assert fitted.alarms(loud) == [False]
    assert sum(fitted.alarms(FAULTS)) >= sum(plain.alarms(FAULTS)) - 1
    over_it = silencing(plain.scores(loud))
    assert sum(plain.scores(FAULTS) > over_it) < sum(fitted.alarms(FAULTS))


def test_a_healthy_clip_that_is_silenced_raises_nothing(machine: MadeUp) -> None:
    fitted = machine.refit(with_normals(machine.known, *HEALTHY[:1]), *HEALTHY[:1])
    assert fitted.alarms(HEALTHY[:1]) == [False]
    own = silencing(fitted.scores(HEALTHY[:1]))
    assert not fitted.is_raised or fitted.threshold == pytest.approx(own)


def test_the_nearest_normals_are_old_and_new_ones() -> None:
    machine = KINDS["nearest"]()
    state = clips_at(2, 100, seed=8)
    centres = machine.refit(with_normals(machine.known, *state), *state).head.centres
    assert centres is not None
    new = (centres.mean(axis=1) > 1.5).sum()
    assert (new, len(centres) - new) == (CENTRES // 2, 60)


@pytest.mark.parametrize("told", ["none", "one", "all"])
def test_what_siblings_scored_is_carried_over_whoever_calls_the_others_normal(told: str) -> None:
    machine = KINDS["nearest"]()
    held_out = machine.known.held_out
    crossed = [CrossFitted(clip="a" * 64, gap=0.1, distance=0.2)]
    silenced = {"none": (), "one": held_out[:1], "all": held_out}[told]
    hashes = [clip.hash for clip in silenced]
    fitted = refit(machine.head, machine.known, machine.recipe, 0.5, hashes, crossed)
    assert [clip.clip for clip in fitted.crossed] == ["a" * 64]


def test_every_normal_may_be_called_normal_again() -> None:
    """As when the folder of all training clips is given: no older one is left to measure from."""
    machine = KINDS["nearest"]()
    fitted = machine.refit(machine.known, *machine.known.normals, *machine.known.held_out)
    assert fitted.head.centres is not None
    assert fitted.head.centres.shape == (60, D)
    assert len(fitted.quiet) == 28
    assert not any(fitted.alarms([*machine.known.normals, *machine.known.held_out]))


def test_a_centroid_becomes_the_mean_of_all_normals_where_one_is_new() -> None:
    machine = KINDS["c_p"]()
    known = with_normals(machine.known, *HEALTHY)
    centres = machine.refit(known, *HEALTHY).head.centres
    expected = np.concatenate([clip.z for clip in known.normals]).mean(axis=0)
    np.testing.assert_allclose(centres, expected[None], rtol=1e-6)
    fixed = KINDS["fixed c"]()
    assert same_centres(fixed.refit(with_normals(fixed.known, *HEALTHY), *HEALTHY), fixed)


def same_centres(fitted: Fitted, machine: MadeUp) -> bool:
    return np.array_equal(fitted.head.centres, machine.head.centres)  # type: ignore[arg-type]


# Scale and threshold


def test_scale_and_threshold_are_those_that_a_bundle_states_of_them(any_kind: MadeUp) -> None:
    known = with_normals(any_kind.known, *HEALTHY)
    if any_kind.recipe.has_posterior:
        known = with_anomalies(known, *FAULTS)
    fitted = any_kind.refit(known, *HEALTHY)
    info = any_kind.info(fitted)
    assert threshold_of(info).value == fitted.threshold
    if fitted.held_out.distance is None:
        assert (fitted.mix.scale.low, fitted.mix.scale.high) == (0, 1)
    else:
        assert fitted.mix.scale.low == pytest.approx(fitted.held_out.distance.mean())
        distances = fitted.head.distances(known.outliers)
        assert distances is not None
        assert fitted.mix.scale.high == pytest.approx(distances.mean())


def test_of_no_clips_there_are_no_scores(machine: MadeUp) -> None:
    fitted = machine.refit(machine.known)
    assert fitted.alarms([]) == []
    assert fitted.scores([]).shape == (0,)
