"""Calibration: what makes scores of a model's parts, on clips whose parts are known."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from rattle import Recipe
from rattle.detector.calibrate import ALPHAS, SCALE_OUTLIERS, Alpha, AveragedParts, calibrate
from rattle.scoring.clip import ClipParts
from rattle.scoring.score import Scale, anomaly_score, posterior_gap

RECIPE = Recipe.load("small")
DEFAULT = Alpha(0.3, "the test's own")


@dataclass
class Known:
    """A model whose clips say themselves what it makes of them: ``[windows, (logit, d)]``."""

    has_logits: bool = True
    has_distances: bool = True
    recipe: Recipe = RECIPE
    seen: list[float] = field(default_factory=list)

    def parts(self, clip: NDArray[np.float32]) -> ClipParts:
        self.seen.append(float(clip[0, 1]))
        logits, distances = clip.astype(np.float64).T
        return ClipParts(
            np.arange(len(clip), dtype=np.float64),
            logits if self.has_logits else None,
            distances if self.has_distances else None,
        )

    def learnt(self) -> dict[str, Any]:
        return {}


def clip(*windows: tuple[float, float]) -> NDArray[np.float32]:
    return np.array(windows, np.float32)


def clips(*distances: float, logit: float = 0.0) -> list[NDArray[np.float32]]:
    return [clip((logit, distance)) for distance in distances]


def test_the_scale_lies_between_mean_normal_and_mean_outlier() -> None:
    found = calibrate(Known(), clips(1, 3), [clips(10, 20)], default=DEFAULT)
    assert found.scale == Scale(2.0, 15.0)
    assert found.alpha == DEFAULT


def test_a_clip_counts_as_the_mean_of_its_windows() -> None:
    normal = clip((0.0, 1.0), (2.0, 3.0), (4.0, 8.0))
    found = calibrate(Known(), [normal, *clips(6)], [clips(9)], default=DEFAULT)
    ((gap, distance), (_, other)) = found.held_out.rows()
    assert gap == pytest.approx(posterior_gap(np.array([0.0, 2.0, 4.0])).mean())
    assert (distance, other) == (4, 6)
    assert found.scale.low == 5


def test_every_machine_has_its_share_in_the_upper_end_however_many_clips_it_has() -> None:
    model = Known()
    machines = [clips(*[float(10 + m)] * count) for m, count in enumerate((500, 40, 3))]
    calibrate(model, clips(1), machines, default=DEFAULT)
    share = -(-SCALE_OUTLIERS // 3)
    assert Counter(model.seen) == {1.0: 1, 10.0: share, 11.0: share, 12.0: 3}


@pytest.mark.parametrize(
    ("model", "scale", "row"),
    [
        (Known(has_distances=False), Scale(0.0, 1.0), (0.5, None)),
        (Known(has_logits=False), Scale(1.0, 4.0), (None, 1.0)),
    ],
    ids=["bce", "dsad"],
)
def test_a_part_that_the_loss_does_not_have_is_not_made_up(
    model: Known, scale: Scale, row: tuple[float | None, float | None]
) -> None:
    labelled = [(clip((0.0, 1.0)), False), (clip((0.0, 2.0)), True)]
    found = calibrate(model, clips(1), [clips(4)], labelled, default=DEFAULT)
    assert found.scale == scale
    assert list(found.held_out.rows()) == [row]
    assert found.alpha == Alpha(0.3, "without effect for this method")


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0, 9)), min_size=4, max_size=12))
def test_alpha_is_the_one_of_the_largest_auc_and_of_equals_the_nearest_to_the_default(
    values: list[tuple[float, float]],
) -> None:
    labelled = [(clip(value), number % 2 == 0) for number, value in enumerate(values)]
    found = calibrate(Known(), clips(1, 2), [clips(4, 5)], labelled, default=DEFAULT)
    parts = AveragedParts.of(Known().parts(log_mel) for log_mel, _ in labelled)
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
        found = calibrate(Known(), clips(1), [clips(2)], labelled, default=Alpha(default, ""))
        assert found.alpha.value == nearest
