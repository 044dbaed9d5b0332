"""``rattle inspect``: what a bundle holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rattle.bundle.replay import Replay
    from rattle.recipe import Recipe

# Scores of the same network on another machine or thread count differ by rounding.
AGREES_WITHIN = 1e-3


def inspect(bundle: Path, /) -> int:
    """Show what a bundle is of, where it comes from, and whether it still scores as it did.

    The clips stored in it are scored again; the exit code is 1 when a score has moved.

    Parameters
    ----------
    bundle
        A .rattle file.
    """
    from rattle.detector import Detector
    from rattle.errors import BundleError, ClipError

    detector = Detector.load(bundle)
    info, origin, threshold = detector.info, detector.info.provenance, detector.threshold
    largest = max((abs(clip.score) for clip in info.golden), default=1.0)
    try:
        difference = detector.verify()
    except ClipError as error:
        raise BundleError(
            f"{bundle} is damaged: its stored clips cannot be scored ({error})"
        ) from None
    agrees = difference <= AGREES_WITHIN * max(largest, 1.0)
    lines = {
        "machine": info.machine,
        "recipe": _recipe(info.recipe),
        "trained on": f"{len(origin.trained)} normal clips, {len(origin.held_out)} held out, "
        f"seed {origin.seed}",
        "anomalies": f"{len(origin.anomalies)} learnt from",
        "outliers": origin.outliers,
        "alpha": f"{info.alpha:g} ({info.alpha_origin})",
        "threshold": f"{threshold.value:.4g} for a false-alarm rate of "
        f"{threshold.false_alarm_rate:.1%} (95 %: {threshold.low:.1%} to {threshold.high:.1%})",
        "identity": detector.bundle().identity,
        "adapted from": origin.parent or "nothing, it was trained from the start",
        "replay set": _replay(detector.replay),
        "graph": "none: rattle export adds one, to score without torch"
        if detector.graph is None
        else f"{len(detector.graph) / 1e6:.1f} MB",
        "made": f"{origin.created}, rattle {origin.rattle}, torch {origin.torch}",
        "stored clips": f"{len(info.golden)}, scores differ by at most {difference:.2g}"
        + ("" if agrees else ": MORE THAN ROUNDING, do not rely on it here"),
    }
    for name, value in lines.items():
        print(f"{name + ':':14}{value}")
    if threshold.warning:
        print(f"{'warning:':14}{threshold.warning}")
    return int(not agrees)


def _replay(replay: Replay) -> str:
    if replay.is_empty:
        return "none: it can be adapted only with the recordings it was trained on"
    outliers = sum(map(len, replay.outliers.values()))
    return (
        f"{len(replay.normals)} normals, {len(replay.held_out)} held out, "
        f"{len(replay.anomalies)} anomalies, {outliers} outliers"
    )


def _recipe(recipe: Recipe) -> str:
    if recipe.baseline is not None:
        return f"{recipe.name}: baseline {recipe.baseline.name}"
    scoring = recipe.scoring
    seen = "whole" if scoring.view == "whole" else f"in {scoring.windows} windows"
    return (
        f"{recipe.name}: network {recipe.network.name}, loss {recipe.loss.name}, clips seen {seen}"
    )
