"""Follow what people call a detector's clips: what is refused, and what becomes of its provenance.

A clip given now counts as it is given, whatever it was taken for before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from rattle.bundle.schema import BundleInfo, Provenance
from rattle.errors import DataError
from rattle.randomness import HELD_OUT, stream


def check_labels(
    info: BundleInfo, anomalies: Mapping[str, str], normals: Mapping[str, str]
) -> None:
    """Raise ``DataError`` where a detector cannot learn from these clips: names by content hash."""
    recipe, origin = info.recipe, info.provenance
    if recipe.baseline is not None:
        raise DataError(
            f"the bundle is a baseline ({recipe.method}), which learns from normal clips "
            "alone; train one by a loss, such as bce+ddcsad, to adapt it"
        )
    if not anomalies and not normals:
        raise DataError(
            "no clip to learn from; give anomalies, normal clips, or both",
            argument=("anomalies", "normals"),
        )
    for hash_, name in anomalies.items():
        if hash_ in normals:
            raise DataError(f"{name} is given as an anomaly and as normal; decide for one")
    known = {*origin.trained, *origin.held_out}
    left = len((known | normals.keys()) - anomalies.keys())
    if known & anomalies.keys() and left < recipe.training.minimum_normals:
        raise DataError(
            f"{len(known & anomalies.keys())} of the anomalies given are clips that the bundle was "
            f"trained on as normal, and only {left} normal clips would be left (at least "
            f"{recipe.training.minimum_normals} are needed); give faults only as anomalies",
            argument="anomalies",
        )


def kept_from_training(info: BundleInfo, normals: Sequence[str], seed: int) -> set[str]:
    """Choose which of the normals given, by hash, are not learnt from, but make the threshold.

    Of those that are new as many as the recipe says, so that the threshold hears a new state too.
    What the detector has learnt from is not new, whatever it was taken for.
    """
    origin = info.provenance
    new = [hash_ for hash_ in normals if hash_ not in origin.used]
    count = round(len(new) * info.recipe.training.held_out)
    kept = {new[i] for i in stream(seed, HELD_OUT).permutation(len(new))[:count]}
    return kept | ({*normals} & {*origin.held_out} - {*origin.trained})


def silenced_by(
    origin: Provenance, normals: Iterable[str], anomalies: Collection[str]
) -> list[str]:
    """List the clips that someone has called normal by now: those given, and those before."""
    return list(_but([*normals, *origin.silenced], anomalies))


def relabelled(
    origin: Provenance,
    *,
    trained: Iterable[str],
    held_out: Iterable[str],
    anomalies: Collection[str],
    normals: Collection[str],
) -> Provenance:
    """Add the clips of an adaptation, by hash; ``normals`` are those given as such."""
    learnt = _but([*origin.trained, *trained], anomalies)
    return origin.model_copy(
        update={
            "trained": learnt,
            "held_out": _but([*origin.held_out, *held_out], {*anomalies, *learnt}),
            "anomalies": _but([*anomalies, *origin.anomalies], normals),
        }
    )


def _but(hashes: Iterable[str], others: Collection[str]) -> tuple[str, ...]:
    return tuple(hash_ for hash_ in dict.fromkeys(hashes) if hash_ not in others)
