"""Keep embeddings in a bundle: what a machine's head was fitted to, and can be fitted to again.

With them a new head, its scale and its threshold need no recording, and the clip that a new sound
is most like can be named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rattle.clips.clip import KIND
from rattle.scoring.head import evenly

# Embeddings z of a clip's windows, or of several clips', [n, D].
Embeddings = NDArray[np.float32]
Vector = NDArray[np.float32]
# Clips of each kind that a bundle keeps.
MOST_CLIPS = 128
# Windows of a long recording, evenly spread over it.
WINDOWS_A_CLIP = 64
KINDS = ("normals", "held_out", "anomalies")
OUTLIERS, START = "outliers", "start"
# What a later head sets out from: w, b and, where it may move, c_p.
STARTS = {"weight", "bias", "centre"}


class Named(NamedTuple):
    """A clip by its content hash and by its file's name."""

    hash: str
    name: str

    @classmethod
    def of(cls, hash_: str, path: str | Path, attributes: str = "") -> Named:
        """Name a file's clip, without what no terminal can show or would take for a command.

        The kind of fault among its attributes (``labelled_clips``) stands before its name.
        """
        kind = attributes.removeprefix(KIND) if attributes.startswith(KIND) else ""
        name = "/".join(part for part in (kind, Path(path).name) if part)
        return cls(hash_, "".join(sign if sign.isprintable() else "?" for sign in name))


@dataclass(frozen=True)
class KnownClip:
    """A clip that a head was fitted to, and the embeddings of its windows."""

    clip: Named
    z: Embeddings

    @property
    def hash(self) -> str:
        """Its content hash."""
        return self.clip.hash

    def shortened(self) -> KnownClip:
        """Leave of a long recording as many windows as stand for it where a head is fitted."""
        return KnownClip(self.clip, self.z[evenly(len(self.z), WINDOWS_A_CLIP)])

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.clip.name


@dataclass(frozen=True)
class Known:
    """Clips of the machine by what they serve as, and outliers' embeddings.

    Any beginning of a kind is fair to the clips that were labelled last and to those before.

    ``normals`` were learnt from, ``held_out`` make scale and threshold, ``anomalies`` are those
    that someone has labelled. ``start`` holds ``weight`` and ``bias`` of the head as it was trained
    with its encoder, from where every later one sets out; once it was fitted anew, ``centre`` too,
    the c_p that it was trained with. Empty for a baseline.
    """

    normals: tuple[KnownClip, ...] = ()
    held_out: tuple[KnownClip, ...] = ()
    anomalies: tuple[KnownClip, ...] = ()
    outliers: Embeddings = field(default_factory=lambda: np.empty((0, 0), np.float32))
    start: Mapping[str, Vector] = field(default_factory=dict)

    def without(self, hashes: Collection[str]) -> Known:
        """Leave clips out, whatever they served as."""
        return Known(
            normals=_but(self.normals, hashes),
            held_out=_but(self.held_out, hashes),
            anomalies=_but(self.anomalies, hashes),
            outliers=self.outliers,
            start=self.start,
        )

    def bounded(self) -> Known:
        """Keep the first ``MOST_CLIPS`` of each kind."""
        return Known(
            normals=self.normals[:MOST_CLIPS],
            held_out=self.held_out[:MOST_CLIPS],
            anomalies=self.anomalies[:MOST_CLIPS],
            outliers=self.outliers,
            start=self.start,
        )

    def names(self) -> dict[str, str]:
        """Give the names of clips' files by hash."""
        clips = (*self.normals, *self.held_out, *self.anomalies)
        return {clip.hash: clip.name for clip in clips}

    def arrays(self) -> dict[str, Embeddings]:
        """Name all for a bundle: names tell kind, place, hash and the file's name."""
        named = {
            f"{kind}|{place:06}|{clip.hash}|{clip.name}": clip.z
            for kind in KINDS
            for place, clip in enumerate(getattr(self, kind))
        }
        named |= {f"{START}|{name}": values[None] for name, values in self.start.items()}
        return named | ({OUTLIERS: self.outliers} if len(self.outliers) else {})

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.generic]], dimensions: int) -> Known:
        """Read what ``arrays`` wrote; ``ValueError`` where it is something else."""
        kinds: dict[str, list[KnownClip]] = {kind: [] for kind in KINDS}
        outliers, start = np.empty((0, dimensions), np.float32), {}
        for key in sorted(arrays):
            kind, *rest = key.split("|", 3)
            is_bias = key == f"{START}|bias"
            z = _embeddings(key, arrays[key], 1 if is_bias else dimensions)
            if kind == START and len(rest) == 1 and rest[0] in STARTS and len(z) == 1:
                start[rest[0]] = z[0]
            elif key == OUTLIERS:
                outliers = z
            elif kind in kinds and len(rest) == 3 and all(map(str.isprintable, rest)):
                kinds[kind].append(KnownClip(Named(rest[1], rest[2]), z))
            else:
                raise ValueError(f"its embeddings have a member {key!r}")
        return cls(
            **{kind: tuple(clips) for kind, clips in kinds.items()}, outliers=outliers, start=start
        )


def stacked(clips: Iterable[KnownClip], dimensions: int) -> Embeddings:
    """Give the embeddings of all windows of clips, ``[n, D]``."""
    each = [clip.z for clip in clips]
    return np.concatenate(each) if each else np.empty((0, dimensions), np.float32)


def _but(clips: tuple[KnownClip, ...], hashes: Collection[str]) -> tuple[KnownClip, ...]:
    return tuple(clip for clip in clips if clip.hash not in hashes)


def _embeddings(key: str, stored: NDArray[np.generic], dimensions: int) -> Embeddings:
    if stored.dtype != np.float32 or stored.ndim != 2 or not len(stored):
        raise ValueError(f"its embeddings {key!r} are {stored.dtype} of shape {stored.shape}")
    if stored.shape[1] != dimensions:
        raise ValueError(
            f"its embeddings {key!r} have {stored.shape[1]} numbers, its head takes {dimensions}"
        )
    if not np.isfinite(stored).all():
        raise ValueError(f"its embeddings {key!r} hold NaN or infinity")
    return stored.astype(np.float32)
