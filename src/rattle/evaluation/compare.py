"""Compare two detectors of a machine: which is better, and which clips change sides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from rattle.errors import DataError
from rattle.evaluation.evaluate import MachineResult, evaluate
from rattle.evaluation.remarks import FEW_CLIPS
from rattle.evaluation.scored import scores_of
from rattle.scoring.delong import CLIPS_NEEDED, delong

Verdict = Literal["better", "worse", "no difference shown"]

# What a changed decision is, by the clip's label and whether the new detector calls it anomalous;
# in the order in which they are told: first what got worse.
CHANGES = {
    ("anomaly", False): "now missed",
    ("anomaly", True): "now caught",
    ("normal", True): "new false alarm",
    ("normal", False): "false alarm gone",
    ("unknown", True): "new alarm, unlabelled",
    ("unknown", False): "alarm gone, unlabelled",
}
# Narrower than this an interval is a point but for rounding.
NO_WIDTH = 1e-9


@dataclass(frozen=True)
class ComparedClip:
    """One clip with what both detectors make of it. Their scores have different scales."""

    path: str
    label: str
    old_score: float
    new_score: float
    old_anomalous: bool
    new_anomalous: bool

    @property
    def change(self) -> str:
        """One of ``CHANGES``, or empty where both decide alike."""
        if self.old_anomalous == self.new_anomalous:
            return ""
        return CHANGES[self.label, self.new_anomalous]


@dataclass(frozen=True)
class Comparison:
    """Both detectors' results on the same clips.

    ``interval`` is the paired 95 % interval of AUC(new) - AUC(old); where it is None, ``reason``
    says why, otherwise that is empty.
    """

    old: MachineResult
    new: MachineResult
    interval: tuple[float, float] | None
    reason: str
    clips: tuple[ComparedClip, ...]

    @property
    def verdict(self) -> Verdict | None:
        """Whether the new AUC is better or worse beyond the interval; None without one."""
        if self.interval is None:
            return None
        low, high = self.interval
        if low > 0:
            return "better"
        return "worse" if high < 0 else "no difference shown"

    @property
    def changed(self) -> dict[str, list[ComparedClip]]:
        """The clips that changed sides, by the kinds of ``CHANGES`` that occur.

        Of each kind the clip farthest from the new threshold comes first.
        """
        threshold = self.new.threshold
        clips = sorted(self.clips, key=lambda clip: -abs(clip.new_score - threshold))
        groups = {kind: [c for c in clips if c.change == kind] for kind in CHANGES.values()}
        return {kind: clips for kind, clips in groups.items() if clips}


def compare(old: pl.DataFrame, new: pl.DataFrame) -> Comparison:
    """Compare two tables of scored clips (columns of ``scored.SCORED``).

    Raises ``DataError`` unless both hold the same clips, of one machine and with the same labels,
    in the same order.
    """
    results = [evaluate(table).machines for table in (old, new)]
    what = ["path", "machine_type", "machine_id", "label"]
    if [len(machines) for machines in results] != [1, 1] or not old[what].equals(new[what]):
        raise DataError(
            "the two tables do not hold the same clips of one machine; score the same clips, in "
            "the same order, with both detectors"
        )
    (old_result,), (new_result,) = results
    reason = _reason(old_result)
    return Comparison(
        old=old_result,
        new=new_result,
        interval=None if reason else delong(_both(old, new, "normal"), _both(old, new, "anomaly")),
        reason=reason,
        clips=tuple(_clips(old, new)),
    )


def remarks(comparison: Comparison) -> list[str]:
    """Tell in sentences what a reader has to know to read the figures rightly."""
    counts, sentences = comparison.old.confusion, []
    if comparison.interval and min(counts.n_normal, counts.n_anomaly) < FEW_CLIPS:
        sentences.append(
            f"Fewer than {FEW_CLIPS} clips of a class: the interval is a rough guide, as a rule "
            "too narrow."
        )
    if comparison.interval and comparison.interval[1] - comparison.interval[0] < NO_WIDTH:
        sentences.append(
            "The interval has no width, since no clip favours one bundle more than any other clip "
            "does; that is a limit of the formula, not certainty."
        )
    for name, result in (("old", comparison.old), ("new", comparison.new)):
        if result.ranking and result.ranking.tied_share:
            sentences.append(
                f"{name}: {result.ranking.tied_share:.1%} of the pairs have equal scores; AUC and "
                "its interval count them 0 (equation 6)."
            )
    return sentences


def _reason(result: MachineResult) -> str:
    """Say why there is no interval, or nothing."""
    counts = result.confusion
    if not result.ranking:
        return f"{result.reason}, so there is no AUC"
    if min(counts.n_normal, counts.n_anomaly) >= CLIPS_NEEDED:
        return ""
    return (
        f"an interval of the AUC difference needs at least {CLIPS_NEEDED} normal and "
        f"{CLIPS_NEEDED} anomalous clips, here are {counts.n_normal} and {counts.n_anomaly}"
    )


def _both(old: pl.DataFrame, new: pl.DataFrame, label: str) -> np.ndarray[tuple[int, ...]]:
    """Stack both detectors' scores of one label's clips. Shape: ``[2, clips]``."""
    return np.stack([scores_of(old, label), scores_of(new, label)])


def _clips(old: pl.DataFrame, new: pl.DataFrame) -> Iterator[ComparedClip]:
    columns = ("path", "label", "score", "anomalous")
    for before, after in zip(
        old.select(columns).iter_rows(), new.select(columns).iter_rows(), strict=True
    ):
        path, label, old_score, old_anomalous = before
        yield ComparedClip(path, label, old_score, after[2], old_anomalous, after[3])
