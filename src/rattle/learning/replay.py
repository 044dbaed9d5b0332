"""The replay set: log-mels kept in a bundle, so that it can be adapted without the recordings.

A bounded sample of every kind of clip that a training read. Clips that people have labelled come
first, so that a later adaptation still knows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from rattle.clips.manifest import Manifest
from rattle.learning.batches import REPLAY, LogMels, generator
from rattle.recipe import Recipe

# A clip's log-mel [T, bands] by the SHA-256 of its file.
LogMel = NDArray[np.float32]
ByHash = Mapping[str, LogMel]
# dB with three digits, in half the space.
STORED = np.float16


@dataclass(frozen=True)
class Replay:
    """Log-mels by content hash, the most valuable first; outliers by machine."""

    normals: ByHash = field(default_factory=dict)
    held_out: ByHash = field(default_factory=dict)
    anomalies: ByHash = field(default_factory=dict)
    outliers: Mapping[str, ByHash] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be trained on."""
        return not (self.normals and self.held_out and self.outliers)

    def bounded(self, clips: int, frames: int) -> Replay:
        """The first ``clips`` of each kind and the first ``frames`` of each; machines share."""
        share = -(-clips // max(len(self.outliers), 1))
        return Replay(
            _first(self.normals, clips, frames),
            _first(self.held_out, clips, frames),
            _first(self.anomalies, clips, frames),
            {machine: _first(of, share, frames) for machine, of in self.outliers.items()}
            if clips
            else {},
        )

    def arrays(self) -> dict[str, NDArray[np.float16]]:
        """For a bundle: names tell kind, place, hash and machine."""
        found = {}
        for kind in fields(self):
            value = getattr(self, kind.name)
            groups = value if kind.name == "outliers" else {"": value}
            for group, clips in groups.items():
                for place, (hash_, clip) in enumerate(clips.items()):
                    found[f"{kind.name}|{place:06}|{hash_}|{group}"] = clip.astype(STORED)
        return found

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Replay:
        """What ``arrays`` wrote; ``ValueError`` where it is something else."""
        kinds: dict[str, dict[str, dict[str, LogMel]]] = {kind.name: {} for kind in fields(cls)}
        for name in sorted(arrays):
            kind, _, hash_, group = _named(name)
            if kind not in kinds or arrays[name].dtype != STORED or arrays[name].ndim != 2:
                raise ValueError(f"a replay set with {name!r}")
            kinds[kind].setdefault(group, {})[hash_] = arrays[name].astype(np.float32)
        outliers = kinds.pop("outliers")
        return cls(**{kind: of.get("", {}) for kind, of in kinds.items()}, outliers=outliers)


def by_hash(manifest: Manifest, clips: LogMels) -> dict[str, LogMel]:
    """The log-mels of a manifest's clips, in its order, by content hash."""
    return dict(zip(manifest.table["content_hash"].to_list(), clips, strict=True))


def replay_frames(recipe: Recipe) -> int:
    """Frames kept of a long recording: as much as a clip may have before it counts as long."""
    rate = recipe.audio.sample_rate_hz / recipe.features.hop_samples
    return 1 + round(recipe.scoring.long_clip_seconds * rate)


def shuffled(clips: ByHash, seed: int) -> dict[str, LogMel]:
    """The same clips in an order by chance: its beginning is a fair sample."""
    names = list(clips)
    order = generator(seed, REPLAY).permutation(len(names))
    return {names[i]: clips[names[i]] for i in order}


def _first(clips: ByHash, count: int, frames: int) -> dict[str, LogMel]:
    return {hash_: clip[:frames] for hash_, clip in islice(clips.items(), count)}


def _named(name: str) -> Iterable[str]:
    parts = name.split("|", 3)
    if len(parts) != 4:
        raise ValueError(f"a replay set with {name!r}")
    return parts
