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


def test_logits_and_distances_move_and_widen_as_those_of_the_clips_that_both_know() -> None:
    logits = np.log(GAPS / (1 - GAPS))
    after = carried(
        CLIPS,
        parts(GAPS, np.array([1.0, 2.0, 3.0])),
        parts(1 / (1 + np.exp(-(2 * logits + 1))), np.array([2.0, 4.0, 6.0])),
    )
    assert [clip.distance for clip in after] == pytest.approx([6.0, 2.0])
    for clip, moved in zip(CLIPS, after, strict=True):
        assert clip.gap is not None
        logit = 2 * np.log(clip.gap / (1 - clip.gap)) + 1
        assert moved.gap == pytest.approx(1 / (1 + np.exp(-logit)))


def test_of_clips_alike_all_that_is_known_is_where_they_went() -> None:
    alike = np.full(3, 2.0)
    moved = carried(CLIPS, parts(np.full(3, 0.1), alike), parts(np.full(3, 0.1), alike + 1))
    assert [clip.distance for clip in moved] == pytest.approx([4.0, 2.0])
    assert [clip.gap for clip in moved] == pytest.approx([0.02, 0.5])


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
