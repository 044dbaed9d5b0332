"""What a detector learnt from, had again: from the recordings, else from its replay set."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from rattle.bundle.replay import ByHash, LogMel, Replay
from rattle.clips.amplitude import Amplitude
from rattle.clips.manifest import Manifest
from rattle.detector import Detector
from rattle.detector.by_hash import by_hash, shuffled
from rattle.detector.fit import Recordings, Watch
from rattle.errors import DataError
from rattle.features.store import FeatureStore
from rattle.learning.data import outlier_packs
from rattle.learning.outliers import choose_pool


@dataclass(frozen=True)
class Known:
    """Log-mels of what a detector learnt from, those of its replay set first.

    ``outliers`` and ``substitute`` are as in an ``OutlierPool``; ``replayed`` are the hashes of
    clips that only the replay set still has.
    """

    clips: Replay
    outliers: str
    substitute: bool
    replayed: frozenset[str]


def remember(
    detector: Detector,
    recordings: Recordings | None,
    store: FeatureStore,
    watch: Watch,
    *,
    seed: int,
) -> Known:
    """All that the detector learnt from and that can be had, found by content.

    ``seed`` decides in which order, so that the beginning is a fair sample. Raises ``DataError``
    where the recordings are not those it was trained on, and where neither they nor a replay set
    are there.
    """
    origin, stored = detector.info.provenance, detector.replay
    if recordings is None:
        if stored.is_empty:
            raise DataError(
                "the recordings that the bundle was trained on are not found and it holds no "
                "replay set; say with --data where they are, or train again"
            )
        known = Known(stored, origin.outliers, origin.outliers_substitute, _names(stored))
        outliers = sum(map(len, stored.outliers.values()))
        watch.on_known(
            f"known clips: {_counts(detector, stored)}, {outliers} outliers; all from the "
            "bundle's replay set"
        )
        return known
    found = _own_clips(detector, recordings.clips, store, watch, seed)
    own = Replay(
        normals={**stored.normals, **found.normals},
        held_out={**stored.held_out, **found.held_out},
        anomalies={**stored.anomalies, **found.anomalies},
    )
    replayed = _names(own) - _names(found)
    only = f", {len(replayed)} only in the bundle's replay set" if replayed else ""
    watch.on_known(f"known clips: {_counts(detector, own)}; found again{only}")
    return _with_outliers(detector, recordings, own, replayed, store, watch, seed)


def _own_clips(
    detector: Detector, clips: Manifest, store: FeatureStore, watch: Watch, seed: int
) -> Replay:
    origin = detector.info.provenance
    ours = _ours(detector, clips)

    def log_mels(hashes: tuple[str, ...]) -> dict[str, LogMel]:
        some = Manifest(ours.filter(pl.col("content_hash").is_in(list(hashes))))
        if not len(some):
            return {}
        return by_hash(some, store.pack(some, _statistics(detector), watch.on_clip))

    # Together, as they were packed for training: the store may still have them.
    normals = log_mels((*origin.trained, *origin.held_out))
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
            f"name); say with --data where those are: {instead}"
        )
    return Replay(shuffled(trained, seed), shuffled(held_out, seed), log_mels(origin.anomalies))


def _with_outliers(
    detector: Detector,
    recordings: Recordings,
    own: Replay,
    replayed: frozenset[str],
    store: FeatureStore,
    watch: Watch,
    seed: int,
) -> Known:
    origin, stored = detector.info.provenance, detector.replay.outliers
    machine, given = detector.machine, recordings.outliers
    if given is not None and not len(given):  # all of them have gone
        given, others = None, 0
    else:
        others = len(recordings.clips.outliers_for(machine) if given is None else given)
    if stored and not others and not origin.outliers_substitute:
        watch.on_known("outliers: from the bundle's replay set")
        clips = replace(own, outliers=stored)
        names = _names(Replay(outliers=stored))
        return Known(clips, origin.outliers, origin.outliers_substitute, replayed | names)
    seen = _ours(detector, recordings.clips).filter(pl.col("content_hash").is_in(list(own.normals)))
    audio = detector.recipe.audio
    pool = choose_pool(recordings.clips, machine, given, Manifest(seen), audio)
    watch.on_pool(pool)
    packs = outlier_packs(pool, detector.recipe, store, _statistics(detector), watch.on_clip)
    outliers = {
        str(other): shuffled(by_hash(pool.clips.of(other), pack), seed)
        for other, pack in packs.items()
    }
    return Known(replace(own, outliers=outliers), pool.origin, pool.substitute, replayed)


def _ours(detector: Detector, clips: Manifest) -> pl.DataFrame:
    """The machine's clips, a content that occurs twice once."""
    table = clips.of(detector.machine).table
    return table.unique("content_hash", keep="first", maintain_order=True)


def _statistics(detector: Detector) -> Amplitude:
    return Amplitude(detector.info.amplitude.mean, detector.info.amplitude.deviation)


def _names(clips: Replay) -> frozenset[str]:
    kinds: list[ByHash] = [clips.normals, clips.held_out, clips.anomalies]
    return frozenset(name for kind in [*kinds, *clips.outliers.values()] for name in kind)


def _counts(detector: Detector, clips: Replay) -> str:
    origin = detector.info.provenance
    parts = [
        f"{len(clips.normals)} of {len(origin.trained)} trained on",
        f"{len(clips.held_out)} of {len(origin.held_out)} held out",
    ]
    if origin.anomalies:
        parts.append(f"{len(clips.anomalies)} of {len(origin.anomalies)} anomalies")
    return ", ".join(parts)
