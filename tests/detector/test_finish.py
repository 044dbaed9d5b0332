"""Finishing: from what a job prepared to a detector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rattle import Machine, Manifest, Recipe
from rattle.detector import measure as module
from rattle.detector.finish import finish
from rattle.detector.job import Material, Watch
from rattle.detector.measure import SCALE_OUTLIERS
from rattle.detector.own import OwnJob
from rattle.learning.batches import BatchSource
from rattle.scoring.clip import ClipParts

FAN = Machine("synth_fan", "id_00")


def log_mels(level_db: float, count: int) -> list[NDArray[np.float32]]:
    """Clips of one window that are told by their level."""
    return [np.full((64, 32), level_db, np.float32)] * count


@dataclass
class TellingBaseline:
    """A baseline that tells which clips it is asked for."""

    recipe: Recipe
    saw: Callable[[NDArray[np.float32]], None]

    def parts(self, clip: NDArray[np.float32]) -> ClipParts:
        self.saw(clip)
        return ClipParts(np.zeros(1), None, np.ones(1))

    def learnt(self) -> dict[str, Any]:
        return {}


def heard(job: OwnJob, material: Material, monkeypatch: pytest.MonkeyPatch) -> Counter[float]:
    """Count the clips that the detector was measured on, by the level that they begin with."""
    levels: list[float] = []

    def saw(clip: NDArray[np.float32]) -> None:
        levels.append(float(clip[0, 0]))

    plain = module.embed

    def watched(encoder: Any, clip: NDArray[np.float32], *rest: Any) -> Any:
        saw(clip)
        return plain(encoder, clip, *rest)

    monkeypatch.setattr(module, "embed", watched)
    monkeypatch.setattr(module, "fit_baseline", lambda *_: TellingBaseline(job.recipe, saw))
    (_,) = finish(job, material, watch=Watch(), checkpoint=None)
    return Counter(levels)


@pytest.mark.parametrize("method", ["bce+ddcsad", "gmm"])
def test_every_machine_has_its_share_in_the_upper_end_however_many_clips_it_has(
    method: str, clips: Manifest, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny_recipe.for_method(method).with_values(training={"iterations": 1})
    job = OwnJob(clips, FAN, recipe, device="cpu")
    material = job.material(Watch())
    source = material.source
    assert isinstance(source, BatchSource)
    outliers = [log_mels(10.0 + m, count) for m, count in enumerate((500, 40, 3))]
    (share,) = material.shares
    of_three = replace(
        material,
        source=replace(source, outliers=outliers),
        shares=[replace(share, outliers=range(1, 4))],
    )
    clips_at = heard(job, of_three, monkeypatch)
    each = -(-SCALE_OUTLIERS // 3)
    assert {level: clips_at[level] for level in (10, 11, 12)} == {10: each, 11: each, 12: 3}
