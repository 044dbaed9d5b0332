"""Keep features in a bundle, so that it can be adapted without the recordings: the replay set.

A bounded sample of every kind of clip that a training read. Clips that people have labelled and
those known before take turns, so that a later adaptation still knows both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from itertools import chain, islice, zip_longest

import numpy as np
from numpy.typing import NDArray

from rattle.recipe import Recipe

# A clip's features [T, width] by its content hash.
Rows = NDArray[np.float32]
ByHash = Mapping[str, Rows]
# Three digits, in half the space.
STORED = np.float16
# Four kinds stay below what a bundle's reader takes for a replay set.
KIND_BYTES = 200 * 2**20


@dataclass(frozen=True)
class Replay:
    """Features by content hash, the most valuable first; outliers by machine."""

    normals: ByHash = field(default_factory=dict)
    held_out: ByHash = field(default_factory=dict)
    anomalies: ByHash = field(default_factory=dict)
    outliers: Mapping[str, ByHash] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be trained on."""
        return not (self.normals and self.held_out and self.outliers)

    def bounded(self, clips: int, frames: int) -> Replay:
        """Keep the first ``clips`` of each kind and the first ``frames`` of each, as a bundle does.

        Machines share the outliers evenly. No kind takes more than ``KIND_BYTES``.
        """
        kinds = (self.normals, self.held_out, self.anomalies, *self.outliers.values())
        largest = max((clip[:frames].size for of in kinds for clip in of.values()), default=1)
        clips = min(clips, KIND_BYTES // (largest * STORED().itemsize))
        machines = sorted(self.outliers)
        ends = [clips * (turn + 1) // len(machines) for turn in range(len(machines))]
        shares = zip(machines, [0, *ends], ends, strict=False)
        return Replay(
            _first(self.normals, clips, frames),
            _first(self.held_out, clips, frames),
            _first(self.anomalies, clips, frames),
            {
                machine: _first(self.outliers[machine], end - start, frames)
                for machine, start, end in shares
                if end > start
            },
        )

    def arrays(self) -> dict[str, NDArray[np.float16]]:
        """Name all for a bundle: names tell kind, place, hash and machine."""
        arrays_by_name = {}
        for kind in fields(self):
            value = getattr(self, kind.name)
            groups = value if kind.name == "outliers" else {"": value}
            for group, clips in groups.items():
                for place, (hash_, clip) in enumerate(clips.items()):
                    arrays_by_name[f"{kind.name}|{place:06}|{hash_}|{group}"] = clip.astype(STORED)
        return arrays_by_name

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Replay:
        """Read what ``arrays`` wrote; ``ValueError`` where it is something else."""
        kinds: dict[str, dict[str, dict[str, Rows]]] = {kind.name: {} for kind in fields(cls)}
        for name in sorted(arrays):
            kind, _, hash_, group = _named(name)
            if kind not in kinds or (group != "") != (kind == "outliers"):
                raise ValueError(f"its replay set has a member {name!r}")
            kinds[kind].setdefault(group, {})[hash_] = _rows(name, arrays[name])
        outliers = kinds.pop("outliers")
        return cls(
            **{kind: of.get("", {}) for kind, of in kinds.items()},
            outliers={machine: outliers[machine] for machine in sorted(outliers)},
        )


def replay_frames(recipe: Recipe) -> int:
    """Count the frames kept of a long recording: as many as a clip may have that is not long."""
    rate = recipe.audio.sample_rate_hz / recipe.features.hop_samples
    return 1 + round(recipe.scoring.long_clip_seconds * rate)


def alternating(first: ByHash, second: ByHash) -> dict[str, Rows]:
    """Take clips of both in turn: any beginning is fair to both.

    ``first`` counts where both have a clip.
    """
    both = {**second, **first}
    names = chain.from_iterable(zip_longest(first, second))
    return {name: both[name] for name in names if name is not None}


def _first(clips: ByHash, count: int, frames: int) -> dict[str, Rows]:
    # Rounded as in a file: to adapt before and after saving is the same.
    return {
        hash_: clip[:frames].astype(STORED).astype(np.float32)
        for hash_, clip in islice(clips.items(), count)
    }


def _named(name: str) -> list[str]:
    parts = name.split("|", 3)
    if len(parts) != 4:
        raise ValueError(f"its replay set has a member {name!r}")
    return parts


def _rows(name: str, stored: NDArray[np.generic]) -> Rows:
    if stored.dtype != STORED or stored.ndim != 2 or not stored.size:
        raise ValueError(f"its replay set's {name!r} is {stored.dtype} of shape {stored.shape}")
    clip = stored.astype(np.float32)
    if not np.isfinite(clip).all():
        raise ValueError(f"its replay set's {name!r} holds NaN or infinity")
    return clip
