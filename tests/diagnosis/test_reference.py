"""The reference: small, the same after it was kept, and not to be fooled by a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rattle.diagnosis.differences import differences
from rattle.diagnosis.measured import LONGEST_S
from rattle.diagnosis.reference import MOST_CLIPS, Reference

RATE_HZ = 16_000
Arrays = dict[str, np.ndarray[Any, Any]]


def noise(seed: int, seconds: float = 1.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (0.05 * rng.standard_normal(round(seconds * rate_hz))).astype(np.float32)


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference.of((noise(seed) for seed in range(5)), RATE_HZ)


def test_it_is_the_same_after_it_was_kept(reference: Reference) -> None:
    restored = Reference.restored(reference.arrays())
    assert restored.sample_rate_hz == RATE_HZ
    assert restored.clips == 5
    clip = noise(99)
    assert differences(clip, restored) == differences(clip, reference)
    for name, values in reference.arrays().items():
        np.testing.assert_array_equal(restored.arrays()[name], values)
        assert restored.arrays()[name].dtype == values.dtype


@pytest.mark.parametrize("rate_hz", [16_000, 48_000, 192_000])
def test_it_is_below_700_kb_whatever_the_rate_and_however_many_clips(rate_hz: int) -> None:
    few = Reference.of((noise(seed, 1, rate_hz) for seed in range(2)), rate_hz)
    a_clip = sum(values.nbytes for values in few.arrays().values()) / 2
    assert a_clip * MOST_CLIPS < 700_000


def test_no_more_than_64_clips_are_heard() -> None:
    taken = []

    def endless() -> Any:
        while True:
            taken.append(1)
            yield noise(len(taken), 0.6)

    assert Reference.of(endless(), RATE_HZ).clips == len(taken) == MOST_CLIPS


def test_of_a_long_recording_the_first_30_seconds_are_heard() -> None:
    beginning = noise(0, LONGEST_S)
    longer = np.concatenate([beginning, 10 * noise(1, 5)])
    kept, heard = (Reference.of([clip], RATE_HZ).arrays() for clip in (beginning, longer))
    for name in kept:
        np.testing.assert_array_equal(kept[name], heard[name])


@pytest.mark.parametrize("rate_hz", [0, 999, 192_001])
def test_a_rate_that_no_microphone_has_is_refused(rate_hz: int) -> None:
    with pytest.raises(ValueError, match="sample rate"):
        Reference.of([noise(0)], rate_hz)


def test_a_reference_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Reference.of([], RATE_HZ)
    with pytest.raises(ValueError, match="without samples"):
        Reference.of([np.zeros(0, np.float32)], RATE_HZ)
    with pytest.raises(ValueError, match="no finite numbers"):
        Reference.of([np.array([0.1, np.nan], np.float32)], RATE_HZ)


def _replaced(name: str, change: Callable[[Any], Any]) -> Callable[[Arrays], Arrays]:
    return lambda arrays: {**arrays, name: change(arrays[name])}


def _with_nan(values: Any) -> Any:
    spoilt = values.copy()
    spoilt.flat[-1] = np.nan
    return spoilt


@pytest.mark.parametrize(
    "spoil",
    [
        lambda arrays: {},
        lambda arrays: {**arrays, "more": np.zeros(1)},
        lambda arrays: {name: arrays[name] for name in list(arrays)[1:]},
        _replaced("spectrum_db", lambda values: values[:, 1:]),
        _replaced("spectrum_db", lambda values: values[:0]),
        _replaced("spectrum_db", lambda values: values[0, 0]),
        _replaced("spectrum_db", lambda values: np.repeat(values, 20, axis=0)),
        _replaced("spectrum_db", lambda values: values.astype(np.float32)),
        _replaced("spectrum_db", _with_nan),
        _replaced("loudest_db", lambda values: values[:2]),
        _replaced("softest_db", lambda values: values * np.float32(np.inf)),
        _replaced("mean_db", lambda values: values.astype(np.float64)),
        _replaced("pause_s", lambda values: values + np.float32(1e9)),
        _replaced("pulse_db", lambda values: values[:, :1]),
        _replaced("pulse_db", lambda values: values.astype("O")),
        _replaced("sample_rate_hz", lambda values: values * 0),
        _replaced("steady_db", lambda values: values[:, :-1]),
        _replaced("sample_rate_hz", lambda values: values.astype(np.int64)),
        _replaced("sample_rate_hz", lambda values: np.repeat(values, 2)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    reference: Reference, spoil: Callable[[Arrays], Arrays]
) -> None:
    with pytest.raises(ValueError, match=r"reference|sample rate"):
        Reference.restored(spoil(dict(reference.arrays())))


# Clips that join later


def assert_same(one: Reference, other: Reference) -> None:
    for name, values in one.arrays().items():
        np.testing.assert_array_equal(other.arrays()[name], values)


def test_clips_that_join_later_come_first(reference: Reference) -> None:
    joined = reference.joined_by([noise(50), noise(51)])
    assert_same(joined, Reference.of([noise(seed) for seed in (50, 51, *range(5))], RATE_HZ))
    assert_same(Reference.restored(joined.arrays()), joined)


def test_of_more_than_64_clips_those_that_were_there_make_room(reference: Reference) -> None:
    full = reference.joined_by(noise(seed, 0.6) for seed in range(100, 160))
    assert full.clips == MOST_CLIPS
    newest = full.joined_by([noise(7, 0.6)])
    assert newest.clips == MOST_CLIPS
    np.testing.assert_array_equal(newest.spectrum_db[1:], full.spectrum_db[:-1])
    np.testing.assert_array_equal(
        newest.spectrum_db[0], Reference.of([noise(7, 0.6)], RATE_HZ).spectrum_db[0]
    )


def test_where_none_joins_it_stays_what_it_is(reference: Reference) -> None:
    assert reference.joined_by([]) is reference


def test_what_a_clip_that_joined_sounds_like_is_no_difference_any_more(
    reference: Reference,
) -> None:
    at_s = np.arange(RATE_HZ) / RATE_HZ
    hum = (0.05 * np.sin(2 * np.pi * 1234 * at_s)).astype(np.float32)

    def lines(of: Reference) -> list[float]:
        found = differences(noise(99) + hum, of)
        return [each.centre_hz for each in found if each.kind == "line" and each.is_outside]

    assert lines(reference) == [pytest.approx(1234, abs=2)]
    assert lines(reference.joined_by([noise(60) + 2 * hum])) == []
