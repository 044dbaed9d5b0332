"""Keep clips' features by the hash of their files, in orders whose beginnings are fair samples."""

from __future__ import annotations

from itertools import chain, zip_longest

from rattle.bundle.replay import ByHash, Rows
from rattle.clips.manifest import Manifest
from rattle.learning.batches import ClipFeatures
from rattle.randomness import REPLAY, stream
from rattle.recipe import Recipe


def by_hash(manifest: Manifest, clips: ClipFeatures) -> dict[str, Rows]:
    """Key the features of a manifest's clips, in its order, by content hash."""
    return dict(zip(manifest.hashes(), clips, strict=True))


def replay_frames(recipe: Recipe) -> int:
    """Count the frames kept of a long recording: as many as a clip may have that is not long."""
    rate = recipe.audio.sample_rate_hz / recipe.features.hop_samples
    return 1 + round(recipe.scoring.long_clip_seconds * rate)


def shuffled(clips: ByHash, seed: int) -> dict[str, Rows]:
    """Put clips in an order by chance: its beginning is a fair sample."""
    names = list(clips)
    order = stream(seed, REPLAY).permutation(len(names))
    return {names[i]: clips[names[i]] for i in order}


def alternating(first: ByHash, second: ByHash) -> dict[str, Rows]:
    """Take clips of both in turn: any beginning is fair to both.

    ``first`` counts where both have a clip.
    """
    both = {**second, **first}
    names = chain.from_iterable(zip_longest(first, second))
    return {name: both[name] for name in names if name is not None}
