"""Cut long recordings of healthy sound into clips, so that one of an hour can train a machine.

One rule for all: a recording longer than three clips becomes clips of one length, with a gap
between them, spread evenly over the whole of it.

    |--clip--| gap |--clip--| gap |--clip--|      clip 10 s, gap 2 s or more, at most 240 clips

A clip is a fifth longer than the window that a network sees, and 10 s at least, as those of DCASE
are. Sound that is nearer than the gap is as good as the same. An hour of a steady machine holds
little more than 240 clips of it do.

Only what is learnt from as healthy or as an outlier is cut. What is to be judged, and what people
have labelled, stays whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rattle.clips.clip import Clip
from rattle.clips.excerpt import Excerpt, excerpt_hash, excerpt_of, recording_of
from rattle.recipe import Recipe

CLIP_WINDOWS = 1.2
SHORTEST_CLIP_S = 10
GAP_S = 2.0
# A recording is cut where it is longer than so many clips.
LONG_CLIPS = 3
MOST_CLIPS = 240
# A header without a length says a number near 2^63: reading it tells what is wrong.
UNKNOWN_FRAMES = 2**62
# Recordings that are named; the rest is counted.
NAMED = 3


@dataclass(frozen=True)
class Cut:
    """A recording, cut into so many ``clips`` of ``clip_s`` seconds, one each ``every_s``."""

    path: str
    seconds: float
    clips: int
    clip_s: float
    every_s: float

    def __str__(self) -> str:
        minutes = self.seconds / 60
        length = f"{minutes:.0f} min" if minutes >= 2 else f"{self.seconds:.0f} s"
        return (
            f"{self.path}: {length}, cut into {self.clips} clips of {self.clip_s:g} s, one every "
            f"{self.every_s:.0f} s"
        )


def told(cuts: Sequence[Cut]) -> list[str]:
    """Say how recordings are cut: a line each of the first few, and one for the others."""
    lines = [str(cut) for cut in cuts[:NAMED]]
    more = cuts[NAMED:]
    if more:
        clips = sum(cut.clips for cut in more)
        lines.append(f"and {len(more)} more long recordings, cut into {clips} clips")
    return lines


def clip_seconds(recipe: Recipe) -> int:
    """Say how long the clips are that a long recording is cut into, in whole seconds."""
    window_s = recipe.features.window_frames * recipe.features.hop_samples
    return max(math.ceil(CLIP_WINDOWS * window_s / recipe.audio.sample_rate_hz), SHORTEST_CLIP_S)


def excerpts(clip: Clip, recipe: Recipe) -> list[Excerpt]:
    """Choose the excerpts that a clip is cut into, in time order; none of one that is not."""
    if clip.excerpt is not None:
        return []
    return excerpts_within(clip.frames, clip.sample_rate_hz, recipe)


def excerpts_within(frames: int, sample_rate_hz: int, recipe: Recipe) -> list[Excerpt]:
    """Choose the excerpts that a recording of so many frames is cut into, as ``excerpts``."""
    length = round(clip_seconds(recipe) * sample_rate_hz)
    if not LONG_CLIPS * length < frames < UNKNOWN_FRAMES:
        return []
    gap = round(GAP_S * sample_rate_hz)
    count = min((frames + gap) // (length + gap), MOST_CLIPS)
    last = frames - length
    return [Excerpt(round(last * turn / (count - 1)), length) for turn in range(count)]


def cuts_in(clips: Iterable[Clip]) -> list[Cut]:
    """List the recordings that clips are excerpts of."""
    by_path: dict[str, list[Clip]] = {}
    for clip in clips:
        if clip.excerpt is not None:
            by_path.setdefault(clip.path, []).append(clip)
    return [_cut_of(path, of) for path, of in by_path.items()]


def cut_as_known(clips: Iterable[Clip], known: Iterable[str]) -> list[Clip]:
    """Cut recordings as they once were: into those of their excerpts whose hashes are known.

    So a clip that was learnt from is found again, whatever the rule was. What no known hash is an
    excerpt of stays whole.
    """
    places: dict[str, set[Excerpt]] = {}
    for hash_ in known:
        excerpt = excerpt_of(hash_)
        if excerpt is not None:
            places.setdefault(recording_of(hash_), set()).add(excerpt)
    return [
        part for clip in clips for part in parts_of(clip, sorted(places.get(clip.content_hash, ())))
    ]


def parts_of(clip: Clip, places: Sequence[Excerpt]) -> list[Clip]:
    """Make a clip of each place in a recording; without any the recording is the only one."""
    return [
        replace(
            clip,
            frames=excerpt.frames,
            start_frame=excerpt.start_frame,
            content_hash=excerpt_hash(clip.content_hash, excerpt),
        )
        for excerpt in places
    ] or [clip]


def _cut_of(path: str, clips: Sequence[Clip]) -> Cut:
    rate = clips[0].sample_rate_hz
    starts = sorted(clip.start_frame or 0 for clip in clips)
    every = (starts[-1] - starts[0]) / max(len(starts) - 1, 1)
    seconds = (starts[-1] + clips[0].frames) / rate
    return Cut(path, seconds, len(clips), clips[0].frames / rate, every / rate)
