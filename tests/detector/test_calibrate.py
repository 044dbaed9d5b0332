"""Calibration: what makes scores of a model's parts, on clips whose parts are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from rattle.detector.calibrate import ALPHAS, Alpha, AveragedParts, calibrate
from rattle.scoring.clip import ClipParts
from rattle.scoring.score import Scale, anomaly_score, posterior_gap

DEFAULT = Alpha(0.3, "the test's own")


def clip(*windows: tuple[float, float]) -> ClipParts:
    """What a model says of a clip whose windows have these logits and distances d."""
    logits, distances = np.array(windows, np.float64).T
    return ClipParts(np.arange(len(windows), dtype=np.float64), logits, distances)


def clips(*distances: float, logit: float = 0.0) -> list[ClipParts]:
    return [clip((logit, distance)) for distance in distances]


def test_the_scale_lies_between_mean_normal_and_mean_outlier() -> None:
    found = calibrate(clips(1, 3), clips(10, 20), default=DEFAULT)
    assert found.scale == Scale(2.0, 15.0)
    assert found.alpha == DEFAULT


def test_a_clip_counts_as_the_mean_of_its_windows() -> None:
    normal = clip((0.0, 1.0), (2.0, 3.0), (4.0, 8.0))
    found = calibrate([normal, *clips(6)], clips(9), default=DEFAULT)
    ((gap, distance), (_, other)) = found.held_out.rows()
    assert gap == pytest.approx(posterior_gap(np.array([0.0, 2.0, 4.0])).mean())
    assert (distance, other) == (4, 6)
    assert found.scale.low == 5


@pytest.mark.parametrize(
    ("missing", "scale", "row"),
    [
        ("distances", Scale(0.0, 1.0), (0.5, None)),
        ("logits", Scale(1.0, 4.0), (None, 1.0)),
    ],
    ids=["bce", "dsad"],
)
def test_a_part_that_the_loss_does_not_have_is_not_made_up(
    missing: str, scale: Scale, row: tuple[float | None, float | None]
) -> None:
    normal, outlier, healthy, faulty = (
        replace(parts, **{missing: None}) for parts in clips(1, 4, 1, 2)
    )
    labelled = [(healthy, False), (faulty, True)]
    found = calibrate([normal], [outlier], labelled, default=DEFAULT)
    assert found.scale == scale
    assert list(found.held_out.rows()) == [row]
    assert found.alpha == Alpha(0.3, "without effect for this method")


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0, 9)), min_size=4, max_size=12))
def test_alpha_is_the_one_of_the_largest_auc_and_of_equals_the_nearest_to_the_default(
    values: list[tuple[float, float]],
) -> None:
    labelled = [(clip(value), number % 2 == 0) for number, value in enumerate(values)]
    found = calibrate(clips(1, 2), clips(4, 5), labelled, default=DEFAULT)
    parts = AveragedParts.of(each for each, _ in labelled)
    assert parts.gap is not None
    assert parts.distance is not None
    labels = [anomaly for _, anomaly in labelled]
    areas = {
        alpha: roc_auc_score(labels, anomaly_score(parts.gap, found.scale(parts.distance), alpha))
        for alpha in ALPHAS
    }
    best = [alpha for alpha, area in areas.items() if area == max(areas.values())]
    assert found.alpha.value in best
    assert abs(found.alpha.value - 0.3) == min(abs(alpha - 0.3) for alpha in best)
    assert found.alpha.origin == f"{len(values)} labelled validation clips"


def test_labelled_clips_choose_the_part_that_tells_faults_from_healthy_sound() -> None:
    """Here the posterior knows, there the distance; d' is 8 apart and 1 - p by 0.987."""
    by_posterior = [(clip((5.0, 9.0)), False), (clip((-5.0, 1.0)), True)]
    by_distance = [(clip((-5.0, 1.0)), False), (clip((5.0, 9.0)), True)]
    for labelled, default, nearest in ((by_posterior, 0.5, 0.9), (by_distance, 1.0, 0.8)):
        found = calibrate(clips(1), clips(2), labelled, default=Alpha(default, ""))
        assert found.alpha.value == nearest
