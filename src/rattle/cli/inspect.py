"""``rattle inspect``: show what a bundle holds."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rattle.cli.terminal.scorers import open_scorer

if TYPE_CHECKING:
    from rattle.bundle import Bundle
    from rattle.recipe import Recipe


def inspect(bundle: Path, /) -> int:
    """Show what a bundle is of, where it comes from, and whether it still scores as it did.

    The clips stored in it are scored again, as rattle score would: by its graph where it has one
    (rattle export), without torch. The exit code is 1 when a score has moved.

    Parameters
    ----------
    bundle
        A .rattle file.
    """
    from rattle.bundle import read_bundle
    from rattle.runtime.clip_scorer import threshold_of
    from rattle.scoring.threshold import SCORES_AGREE_WITHIN

    whole = read_bundle(bundle)
    difference = _difference(bundle, whole)
    agrees = difference is None or difference <= SCORES_AGREE_WITHIN
    for name, value in {**_facts(whole), "stored clips": _stored(whole, difference)}.items():
        print(f"{name + ':':14}{value}")
    warning = threshold_of(whole.info).warning
    if warning:
        print(f"{'warning:':14}{warning}")
    return int(not agrees)


def _difference(bundle: Path, whole: Bundle) -> float | None:
    """Score the stored clips again; None where there is neither a graph nor torch to do so."""
    from rattle.errors import BundleError, ClipError

    if whole.graph is None and find_spec("torch") is None:
        return None
    try:
        return open_scorer(bundle).verify()
    except ClipError as error:
        raise BundleError(
            f"{bundle} is damaged: its stored clips cannot be scored ({error})"
        ) from None


def _stored(whole: Bundle, difference: float | None) -> str:
    from rattle.scoring.threshold import SCORES_AGREE_WITHIN

    clips = len(whole.golden)
    if difference is None:
        takes = "torch" if whole.info.recipe.baseline else "a graph (rattle export) or torch"
        return f"{clips}, not scored again: that takes {takes}"
    moved = (
        "" if difference <= SCORES_AGREE_WITHIN else ": MORE THAN ROUNDING, do not rely on it here"
    )
    return f"{clips}, scores differ by at most {difference:.2g}{moved}"


def _facts(whole: Bundle) -> dict[str, str]:
    from rattle.pages.words import counted
    from rattle.runtime.clip_scorer import threshold_of

    info, origin = whole.info, whole.info.provenance
    threshold = threshold_of(info)
    return {
        "machine": info.machine,
        "recipe": _recipe(info.recipe),
        "trained on": f"{len(origin.trained)} normal clips, {len(origin.held_out)} held out, "
        f"seed {origin.seed}",
        "anomalies": f"{len(origin.anomalies)} learnt from",
        "outliers": origin.outliers,
        "alpha": "none: a baseline has one figure"
        if info.recipe.baseline
        else f"{info.alpha:g} ({info.alpha_origin})",
        "threshold": f"{threshold.value:.4g} for a false-alarm rate of "
        f"{threshold.false_alarm_rate:.1%} (95 %: {threshold.low:.1%} to {threshold.high:.1%}), by "
        f"{counted(threshold.clips, 'healthy clip')}: {len(info.held_out)} held out"
        + (f", {len(info.cross_fitted)} scored by siblings" if info.cross_fitted else ""),
        "identity": whole.identity,
        "encoder": _encoder(whole),
        "made from": origin.parent or "nothing, it was trained from the start",
        "replay set": _replay(whole),
        "graph": _graph(whole),
        "made": f"{origin.created}, rattle {origin.rattle}, torch {origin.torch}",
    }


def _encoder(whole: Bundle) -> str:
    identity, fleet = whole.encoder_identity, whole.info.provenance.fleet
    if identity is None:
        return "none: a baseline has none"
    if not fleet:
        return f"{identity}, its own"
    return f"{identity}, shared: trained with {len(fleet)} machines ({', '.join(fleet)})"


def _graph(whole: Bundle) -> str:
    if whole.graph is not None:
        return f"{len(whole.graph) / 1e6:.1f} MB"
    if whole.info.recipe.baseline is not None:
        return "none: a baseline has none"
    return "none: rattle export adds one, to score without torch"


def _replay(whole: Bundle) -> str:
    replay = whole.replay
    if whole.info.recipe.baseline is not None:
        return "none: a baseline cannot be adapted"
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
