"""Parts of clips that no embedding is to be had of, carried over to the head that follows."""

from __future__ import annotations

import numpy as np
import pytest

from rattle.bundle.schema import CrossFitted
from rattle.runtime.carry import carried
from rattle.scoring.clip import AveragedParts

GAPS = np.array([0.01, 0.02, 0.1])
CLIPS = [
    CrossFitted(clip="a", gap=0.02, distance=3.0),
    CrossFitted(clip="b", gap=0.5, distance=1.0),
]


def parts(gap: np.ndarray | None, distance: np.ndarray | None) -> AveragedParts:
    return AveragedParts(gap, distance)


def test_where_nothing_changed_nothing_changes() -> None:
    same = parts(GAPS, np.array([1.0, 2.0, 3.0]))
    for before, after in zip(CLIPS, carried(CLIPS, same, same), strict=True):
        assert after.clip == before.clip
        assert (after.gap, after.distance) == pytest.approx((before.gap, before.distance))


def test_a_logit_moves_by_a_step_and_a_distance_by_a_factor() -> None:
    odds = GAPS / (1 - GAPS) * np.e
    after = carried(
        CLIPS,
        parts(GAPS, np.array([1.0, 2.0, 3.0])),
        parts(odds / (1 + odds), np.array([2.0, 4.0, 6.0])),
    )
    assert [clip.distance for clip in after] == pytest.approx([6.0, 2.0])
    assert after[0].gap == pytest.approx(0.02 * np.e / (0.98 + 0.02 * np.e))
    assert after[1].gap == pytest.approx(np.e / (1 + np.e))


def test_what_a_loss_does_not_give_stays_away() -> None:
    no_distance = [CrossFitted(clip="a", gap=0.02, distance=None)]
    (one,) = carried(no_distance, parts(GAPS, None), parts(GAPS, None))
    assert (one.gap, one.distance) == (pytest.approx(0.02), None)
    no_posterior = [CrossFitted(clip="a", gap=None, distance=2.0)]
    (one,) = carried(no_posterior, parts(None, GAPS), parts(None, 2 * GAPS))
    assert (one.gap, one.distance) == (None, pytest.approx(4.0))


def test_a_gap_of_nothing_or_of_all_is_carried_to_a_gap() -> None:
    ends = np.array([0.0, 1.0])
    clips = [CrossFitted(clip=str(gap), gap=gap, distance=None) for gap in (0.0, 0.5, 1.0)]
    gaps = [clip.gap for clip in carried(clips, parts(GAPS[:2], None), parts(ends, None))]
    assert all(gap is not None and 0 <= gap <= 1 for gap in gaps)
    assert gaps == sorted(gaps, key=lambda gap: gap or 0.0)


def test_without_a_clip_that_both_know_nothing_is_carried() -> None:
    none = parts(None, None)
    assert carried(CLIPS, none, none) == ()
