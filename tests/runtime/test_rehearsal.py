"""A rehearsal: what is laid over, what is found at which threshold, and what is refused."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from numpy.typing import NDArray

from made_up_loudness import Loudness
from rattle import ClipError, DataError, Detector, Threshold
from rattle.bundle.schema import HeldOut
from rattle.runtime.clip_scorer import mix_of, scores_of
from rattle.runtime.rehearsal import (
    LEVELS_DB,
    RATES,
    LaidOver,
    Rehearsal,
    rehearse,
    thresholds_of,
)
from rattle.scoring.threshold import fit_threshold
from rattle.synthetic import FAULT_KINDS
from rattle.synthetic.level import rms

RATE_HZ = 16_000
Samples = NDArray[np.float32]


@pytest.fixture
def loudness(detector: Detector) -> Loudness:
    return Loudness(detector.info)


@pytest.fixture(scope="module")
def healthy() -> list[Samples]:
    """Four clips of noise, each louder than the one before."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((4, RATE_HZ)).astype(np.float32)
    return [np.float32(0.01 * (1 + place)) * clip for place, clip in enumerate(noise)]


def by_hand(*shares: float, healthy_above: int = 0, clips: int = 4) -> Rehearsal:
    """A hum that is found at -20, -10, ... dB in these shares of the clips, at threshold 0.5."""
    levels = [10.0 * (place - len(shares) + 1) for place in range(len(shares))]
    scores = [tuple(float(place < share * clips) for place in range(clips)) for share in shares]
    threshold = Threshold(0.5, 0.05, 0.01, 0.2, 19)
    return Rehearsal(
        threshold,
        (threshold,),
        tuple(float(place < healthy_above) for place in range(clips)),
        tuple(
            LaidOver("hum", level, of_level) for level, of_level in zip(levels, scores, strict=True)
        ),
    )


# What is laid over


def test_each_clip_is_heard_as_it_is_and_with_each_kind_at_each_level(
    loudness: Loudness, healthy: list[Samples]
) -> None:
    told: list[tuple[int, int]] = []
    rehearse(
        loudness,
        healthy,
        kinds=("hum", "rub"),
        levels_db=(-5, -20),
        on_scored=lambda *done: told.append(done),
    )
    assert told == [(count, 20) for count in range(1, 21)]
    sounds = iter(loudness.sounds)
    for clip in healthy:
        assert np.array_equal(next(sounds), clip)
        for _ in ("hum", "rub"):
            quieter, louder = next(sounds) - clip, next(sounds) - clip
            for added, level_db in ((quieter, -20), (louder, -5)):
                assert 20 * np.log10(rms(added) / rms(clip)) == pytest.approx(level_db, abs=0.01)
            # One fault at two levels, and not two faults.
            assert np.corrcoef(quieter, louder)[0, 1] == pytest.approx(1, abs=1e-3)


def test_all_kinds_at_all_levels_are_tried_where_none_is_named(
    loudness: Loudness, healthy: list[Samples]
) -> None:
    rehearsal = rehearse(loudness, healthy[:1])
    assert rehearsal.kinds == FAULT_KINDS
    assert rehearsal.levels_db == LEVELS_DB
    assert [(laid.kind, laid.level_db) for laid in rehearsal.faults] == [
        (kind, level) for kind in FAULT_KINDS for level in LEVELS_DB
    ]


def test_the_scores_are_those_of_the_scorer_in_the_order_of_the_clips(
    detector: Detector, healthy: list[Samples]
) -> None:
    rehearsal = rehearse(detector, healthy, kinds=["hiss"], levels_db=[0])
    assert rehearsal.healthy == pytest.approx([clip.score for clip in detector.score(healthy)])
    assert rehearsal.threshold == detector.threshold
    (laid,) = rehearsal.faults
    assert len(laid.scores) == len(healthy)
    assert laid.scores != rehearsal.healthy


def test_a_seed_gives_the_same_rehearsal_and_another_seed_other_faults(
    loudness: Loudness, healthy: list[Samples]
) -> None:
    first, again, other = (
        rehearse(loudness, healthy[:2], levels_db=[-5], seed=seed) for seed in (3, 3, 4)
    )
    assert first == again
    assert first.healthy == other.healthy
    assert first.faults != other.faults


def test_of_a_long_recording_the_beginning_is_taken(
    loudness: Loudness, healthy: list[Samples], tmp_path: Path
) -> None:
    noise = np.random.default_rng(6).normal(0, 0.001, 40 * len(healthy[0]))
    long = np.tile(healthy[0], 40) + noise.astype(np.float32)  # an exact copy would be frozen
    sf.write(tmp_path / "shift.wav", long, RATE_HZ, subtype="FLOAT")
    rehearse(loudness, [tmp_path / "shift.wav"], kinds=["hum"], levels_db=[0])
    assert [len(sound) for sound in loudness.sounds] == [30 * RATE_HZ] * 2


# What is found


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_a_louder_fault_is_found_at_least_as_often_by_who_hears_loudness(
    loudness: Loudness, healthy: list[Samples], kind: str
) -> None:
    rehearsal = rehearse(loudness, healthy, kinds=[kind])
    for threshold in sorted(rehearsal.healthy):
        shares = [rehearsal.found(threshold, level_db=level).value for level in LEVELS_DB]
        # A fault that happens to be against the clip takes a little from it.
        assert all(more >= fewer - 0.26 for fewer, more in pairwise(shares))
        assert shares[-1] >= shares[0]


def test_above_no_threshold_is_everything_and_above_infinity_nothing(
    loudness: Loudness, healthy: list[Samples]
) -> None:
    rehearsal = rehearse(loudness, healthy, levels_db=[-10, 0])
    for threshold, share in ((-np.inf, 1.0), (np.inf, 0.0)):
        assert rehearsal.found(threshold).value == share
        assert rehearsal.found(threshold, kind="rub", level_db=0).value == share
        assert rehearsal.false_alarms(threshold).value == share


def test_a_share_of_all_is_the_mean_of_the_shares_of_kinds_and_of_levels(
    loudness: Loudness, healthy: list[Samples]
) -> None:
    rehearsal = rehearse(loudness, healthy, levels_db=[-10, 0])
    threshold = float(np.median(rehearsal.healthy))
    of_all = rehearsal.found(threshold).value
    of_kinds = [rehearsal.found(threshold, kind=kind).value for kind in FAULT_KINDS]
    of_levels = [rehearsal.found(threshold, level_db=level).value for level in (-10, 0)]
    assert of_all == pytest.approx(np.mean(of_kinds))
    assert of_all == pytest.approx(np.mean(of_levels))


def test_an_interval_counts_clips_and_not_scores() -> None:
    one, many = by_hand(0.5), by_hand(0.5, 0.5, 0.5)
    assert one.found(0.5) == many.found(0.5)
    assert by_hand(0.5, clips=40).found(0.5).low > one.found(0.5).low


@pytest.mark.parametrize(
    ("shares", "level_db"),
    [
        ((0, 0.25, 0.75), -5.0),
        ((0, 0.5, 1), -10.0),
        ((0, 0, 0.5), 0.0),
        ((0, 0.25, 0.25), None),
        ((0.75, 0.75, 1), -20.0),
        # Found at first, missed when louder, found again: what holds from there on.
        ((0.75, 0.25, 0.75), -5.0),
        ((1, 1, 0), None),
    ],
)
def test_half_are_found_from_the_level_on_above_which_no_fewer_are(
    shares: tuple[float, ...], level_db: float | None
) -> None:
    found = by_hand(*shares).half_found_from_db("hum", 0.5)
    assert found == (level_db if level_db is None else pytest.approx(level_db))


def test_a_kind_or_level_that_was_not_tried_has_no_share() -> None:
    rehearsal = by_hand(0, 1)
    for what in ({"kind": "rub"}, {"level_db": -3.0}):
        with pytest.raises(DataError, match="was tried; tried were hum at -10, 0 dB"):
            rehearsal.found(0.5, **what)  # type: ignore[arg-type]


def test_healthy_clips_that_alarm_by_themselves_are_told() -> None:
    assert not by_hand(1, healthy_above=1).is_alarmed_by_health
    assert by_hand(1, healthy_above=4).is_alarmed_by_health


# Thresholds


def test_thresholds_are_those_of_the_held_out_normals_for_each_rate(detector: Detector) -> None:
    info = detector.info
    scores = scores_of(info.held_out, mix_of(info))
    assert thresholds_of(info) == tuple(fit_threshold(scores, rate) for rate in RATES)
    assert detector.threshold in thresholds_of(info)
    assert not any(threshold.supported for threshold in thresholds_of(info))  # two clips


def test_the_recipes_own_rate_is_among_them(detector: Detector) -> None:
    recipe = detector.recipe.with_values(scoring={"false_alarm_rate": 0.3})
    info = detector.info.model_copy(update={"recipe": recipe})
    rates = [threshold.false_alarm_rate for threshold in thresholds_of(info)]
    assert rates == [*RATES, 0.3]


def test_what_someone_called_normal_is_above_none_of_them(detector: Detector) -> None:
    loud = HeldOut(gap=0.9, distance=1e6)
    silenced = detector.info.model_copy(update={"silenced": (loud,)})
    score = float(scores_of([loud], mix_of(silenced))[0])
    assert all(threshold.value > score for threshold in thresholds_of(silenced))


# What is refused


def test_what_makes_no_sense_is_refused(loudness: Loudness, healthy: list[Samples]) -> None:
    with pytest.raises(DataError, match="no healthy clip to lay faults over; give at least one"):
        rehearse(loudness, [])
    with pytest.raises(DataError, match=r"kinds of fault are hiss, hum, .* not explosion"):
        rehearse(loudness, healthy, kinds=["hum", "explosion"])
    with pytest.raises(DataError, match=r"kinds of fault are .* not none"):
        rehearse(loudness, healthy, kinds=[])
    for levels_db in ([], [float("nan")], [float("inf")]):
        with pytest.raises(DataError, match="levels are finite numbers of dB"):
            rehearse(loudness, healthy, levels_db=levels_db)
    assert not loudness.sounds


def test_a_clip_that_is_silent_or_cannot_be_read_is_refused(
    loudness: Loudness, tmp_path: Path
) -> None:
    with pytest.raises(ClipError, match="not fit to be judged: silent for 1 s"):
        rehearse(loudness, [np.zeros(RATE_HZ, np.float32)])
    long = np.zeros(40 * RATE_HZ, np.float32)
    long[35 * RATE_HZ :] = np.random.default_rng(7).normal(0, 0.1, 5 * RATE_HZ)
    with pytest.raises(ClipError, match="is silent, so no fault can be laid over it"):
        rehearse(loudness, [long])
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    with pytest.raises(ClipError, match=r"broken\.wav"):
        rehearse(loudness, [tmp_path / "broken.wav"])


def test_what_is_no_number_is_an_error_and_not_a_miss(
    detector: Detector, healthy: list[Samples]
) -> None:
    with pytest.raises(ClipError, match="is not a finite number"):
        rehearse(Loudness(detector.info, is_deaf=True), healthy)
