"""Recover what a detector was trained on: from the recordings, else from its replay set."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import polars as pl

from rattle.bundle.replay import ByHash, Replay, Rows
from rattle.clips.manifest import ORDER, Manifest
from rattle.detector.by_hash import by_hash, shuffled
from rattle.detector.detector import Detector
from rattle.detector.job import Recordings, Recovered, Watch
from rattle.errors import DataError
from rattle.features.store import FeatureStore
from rattle.learning.data import outlier_packs
from rattle.learning.outliers import OutlierPool, choose_pool, named


@dataclass(frozen=True)
class KnownClips:
    """Features of what a detector learnt from, those of its replay set first.

    ``outliers`` and ``substitute`` are as in an ``OutlierPool``; ``replayed`` are the hashes of
    clips that only the replay set still has.
    """

    clips: Replay
    outliers: str
    substitute: bool
    replayed: frozenset[str]


def recover_known(
    detector: Detector,
    recordings: Recordings | None,
    store: FeatureStore,
    watch: Watch,
    *,
    seed: int,
) -> KnownClips:
    """Recover all that the detector learnt from and that can be had, by content.

    ``seed`` decides in which order, so that the beginning is a fair sample. Raises ``DataError``
    where the recordings are not those it was trained on, and where neither they nor a replay set
    are there.
    """
    origin, stored = detector.info.provenance, detector.replay
    if recordings is None:
        if stored.is_empty:
            raise DataError(
                "the recordings that the bundle was trained on are not found and it holds no "
                "replay set; say where they are, or train again",
                argument="data",
            )
        watch.on_recovered(_recovered(detector, stored, (), _count(stored), recordings))
        return KnownClips(stored, origin.outliers, origin.outliers_substitute, _names(stored))
    again = _own_clips(detector, recordings.clips, store, watch, seed)
    own = Replay(
        normals={**stored.normals, **again.normals},
        held_out={**stored.held_out, **again.held_out},
        anomalies={**stored.anomalies, **again.anomalies},
    )
    replayed = _names(own) - _names(again)
    if _outliers_are_stored(detector, recordings):
        outliers = Replay(outliers=stored.outliers)
        watch.on_recovered(_recovered(detector, own, replayed, _count(outliers), recordings))
        clips = replace(own, outliers=stored.outliers)
        replayed |= _names(outliers)
        return KnownClips(clips, origin.outliers, origin.outliers_substitute, replayed)
    watch.on_recovered(_recovered(detector, own, replayed, None, recordings))
    return _with_recorded_outliers(detector, recordings, own, replayed, store, watch, seed)


def _own_clips(
    detector: Detector, clips: Manifest, store: FeatureStore, watch: Watch, seed: int
) -> Replay:
    origin = detector.info.provenance
    ours = _ours(detector, clips)

    def features(hashes: tuple[str, ...]) -> dict[str, Rows]:
        known = ours.with_content(hashes)
        if not len(known):
            return {}
        return by_hash(known, store.pack(known, detector.info.amplitude, watch.on_clip))

    # Together, as they were packed for training: the store may still have them.
    normals = features((*origin.trained, *origin.held_out))
    trained = {hash_: normals[hash_] for hash_ in origin.trained if hash_ in normals}
    held_out = {hash_: normals[hash_] for hash_ in origin.held_out if hash_ in normals}
    if not trained:
        instead = (
            "it holds no replay set to use instead"
            if detector.replay.is_empty
            else "give none to use the bundle's replay set"
        )
        raise DataError(
            f"the recordings given hold none of the {len(origin.trained)} clips of "
            f"{detector.machine} that the bundle was trained on (they are told by content, not by "
            f"name); say where those are: {instead}",
            argument="data",
        )
    return Replay(shuffled(trained, seed), shuffled(held_out, seed), features(origin.anomalies))


def _outliers_are_stored(detector: Detector, recordings: Recordings) -> bool:
    """Say whether only the replay set still has outliers that training can do with.

    Real sound, or a fleet's copies of a machine alone; other substitutes are made again.
    """
    origin, stored = detector.info.provenance, detector.replay.outliers
    usable = detector.recipe.is_shared or not origin.outliers_substitute
    return bool(stored) and usable and not len(_recorded(detector, recordings))


def _recorded(detector: Detector, recordings: Recordings) -> Manifest:
    """Take the recorded clips that can serve as outliers: those given, or the other machines'.

    With a shared encoder all other machines are, and those given stand beside them.
    """
    if not detector.recipe.is_shared:
        if recordings.outliers is None:
            return recordings.clips.outliers_for(detector.machine)
        return recordings.outliers.of(label="normal").strangers_to(detector.machine)
    others = recordings.clips.strangers_to(detector.machine).of(split="train", label="normal")
    if recordings.outliers is None:
        return others
    known = recordings.clips.hashes()
    given = recordings.outliers.of(label="normal").without_content(known)
    return Manifest(
        pl.concat([others.table, given.strangers_to(detector.machine).table]).sort(ORDER)
    )


def _with_recorded_outliers(
    detector: Detector,
    recordings: Recordings,
    own: Replay,
    replayed: frozenset[str],
    store: FeatureStore,
    watch: Watch,
    seed: int,
) -> KnownClips:
    recorded = _recorded(detector, recordings)
    if detector.recipe.is_shared and len(recorded):
        pool = OutlierPool(recorded, f"normal clips of {named(recorded.machines())}")
    else:
        # Of outliers that were given and have all gone there is nothing to choose from.
        chosen = recorded if recordings.outliers is not None and len(recorded) else None
        seen = _ours(detector, recordings.clips).with_content(own.normals)
        audio = detector.recipe.audio
        pool = choose_pool(recordings.clips, detector.machine, chosen, seen, audio)
    watch.on_pool(pool)
    packs = outlier_packs(pool, detector.recipe, store, detector.info.amplitude, watch.on_clip)
    outliers = {
        str(other): shuffled(by_hash(pool.clips.of(other), pack), seed)
        for other, pack in packs.items()
    }
    return KnownClips(replace(own, outliers=outliers), pool.origin, pool.substitute, replayed)


def _ours(detector: Detector, clips: Manifest) -> Manifest:
    """Take the machine's clips, a content that occurs twice once."""
    table = clips.of(detector.machine).table
    return Manifest(table.unique("content_hash", keep="first", maintain_order=True))


def _names(clips: Replay) -> frozenset[str]:
    kinds: list[ByHash] = [clips.normals, clips.held_out, clips.anomalies]
    return frozenset(name for kind in [*kinds, *clips.outliers.values()] for name in kind)


def _count(clips: Replay) -> int:
    return sum(map(len, clips.outliers.values()))


def _recovered(
    detector: Detector,
    clips: Replay,
    replayed: Collection[str],
    outliers: int | None,
    recordings: Recordings | None,
) -> Recovered:
    origin = detector.info.provenance
    return Recovered(
        trained=(len(clips.normals), len(origin.trained)),
        held_out=(len(clips.held_out), len(origin.held_out)),
        anomalies=(len(clips.anomalies), len(origin.anomalies)),
        only_replay=len(replayed),
        outliers=outliers,
        has_recordings=recordings is not None,
    )
