"""Keep clips' features by their content hash, in orders whose beginnings are fair samples."""

from __future__ import annotations

from rattle.bundle.replay import ByHash, Rows
from rattle.clips.manifest import Manifest
from rattle.learning.batches import ClipFeatures
from rattle.randomness import REPLAY, stream


def by_hash(manifest: Manifest, clips: ClipFeatures) -> dict[str, Rows]:
    """Key the features of a manifest's clips, in its order, by content hash."""
    return dict(zip(manifest.hashes(), clips, strict=True))


def shuffled(clips: ByHash, seed: int) -> dict[str, Rows]:
    """Put clips in an order by chance: its beginning is a fair sample."""
    names = list(clips)
    order = stream(seed, REPLAY).permutation(len(names))
    return {names[i]: clips[names[i]] for i in order}
