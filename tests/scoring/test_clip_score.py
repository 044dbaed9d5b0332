"""From windows to a clip's score and decision."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import expit

from rattle.scoring.clip import ClipParts, Mix, clip_score, clip_value
from rattle.scoring.decision import Decision
from rattle.scoring.score import Scale
from rattle.scoring.threshold import Threshold

# Posteriors 0.8, 0.6, 0.5 of the normal class; distances 1, 2, 6.
PARTS = ClipParts(
    start_s=np.array([0.0, 1.0, 2.0]),
    logits=np.log([4.0, 1.5, 1.0]),
    distances=np.array([1.0, 2.0, 6.0]),
)
MIX = Mix(alpha=0.25, scale=Scale(1.0, 5.0))
# Gaps 0.2, 0.4, 0.5 and d' 0, 0.25, 1.25: s = gap / 4 + 3 d' / 4.
WINDOW_SCORES = [0.05, 0.2875, 1.0625]


def held_against(value: float) -> Decision:
    return Decision(Threshold(value, 0.05, 0.0, 0.1, 100), np.linspace(0, 0.99, 100))


def test_the_clips_score_is_the_mean_of_its_windows() -> None:
    found = clip_score("a.wav", PARTS, MIX, held_against(0.4))
    assert [window.score for window in found.windows] == pytest.approx(WINDOW_SCORES)
    assert found.score == pytest.approx(sum(WINDOW_SCORES) / 3)
    assert found.posterior == pytest.approx((0.8 + 0.6 + 0.5) / 3)
    assert found.distance == pytest.approx(3)
    assert [window.start_s for window in found.windows] == [0, 1, 2]
    assert [window.posterior for window in found.windows] == pytest.approx([0.8, 0.6, 0.5])
    assert [window.distance for window in found.windows] == [1, 2, 6]


@given(
    hnp.arrays(np.float64, (2, 7), elements=st.floats(-20, 20)),
    st.floats(0, 1),
    st.floats(0, 3),
)
def test_averaging_parts_or_scores_is_the_same(parts, alpha, low) -> None:
    clip = ClipParts(np.arange(7.0), parts[0], parts[1] ** 2)
    mix = Mix(alpha, Scale(low, low + 2))
    windows = alpha * (1 - expit(parts[0])) + (1 - alpha) * (parts[1] ** 2 - low) / 2
    assert clip_value(clip, mix) == pytest.approx(windows.mean(), rel=1e-9, abs=1e-9)
    found = clip_score("a.wav", clip, mix, held_against(0))
    assert found.score == clip_value(clip, mix)
    assert np.mean([w.score for w in found.windows]) == pytest.approx(found.score, abs=1e-9)


def test_a_clip_on_the_threshold_is_not_anomalous() -> None:
    score = clip_value(PARTS, MIX)
    assert not clip_score("a.wav", PARTS, MIX, held_against(score)).anomalous
    below = np.nextafter(score, -np.inf)
    found = clip_score("a.wav", PARTS, MIX, held_against(below))
    assert found.anomalous
    assert found.threshold == below


def test_a_loss_without_bce_scores_by_scaled_distance_alone() -> None:
    found = clip_score(
        "a.wav", ClipParts(PARTS.start_s, None, PARTS.distances), MIX, held_against(0)
    )
    assert found.score == pytest.approx((3 - 1) / 4)
    assert found.posterior is None
    assert {window.posterior for window in found.windows} == {None}


def test_bce_alone_scores_by_the_posterior_alone() -> None:
    found = clip_score("a.wav", ClipParts(PARTS.start_s, PARTS.logits, None), MIX, held_against(0))
    assert found.score == pytest.approx((0.2 + 0.4 + 0.5) / 3)
    assert found.distance is None
    assert {window.distance for window in found.windows} == {None}
