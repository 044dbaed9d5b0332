"""Name an excerpt of a recording: a clip that is cut from a long one and stays in its file."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

# Between the hash of a recording and the place of an excerpt in it.
_AT = "@"


class Excerpt(NamedTuple):
    """A place in a recording: its first frame, and how many there are, at the file's own rate."""

    start_frame: int
    frames: int

    @property
    def end_frame(self) -> int:
        """The first frame behind it."""
        return self.start_frame + self.frames


def excerpt_hash(recording_hash: str, excerpt: Excerpt) -> str:
    """Derive an excerpt's content hash from its recording's (``content``): that, and the place."""
    return f"{recording_hash}{_AT}{excerpt.start_frame}+{excerpt.frames}"


def recording_of(content_hash: str) -> str:
    """Recover the hash of the recording from that of a clip: an excerpt of it, or the whole.

    >>> recording_of("sound-5f2a@480000+160000"), recording_of("sound-5f2a")
    ('sound-5f2a', 'sound-5f2a')
    """
    return content_hash.partition(_AT)[0]


def sharing_sound(hashes: Iterable[str], others: Collection[str]) -> set[str]:
    """Select the hashes of the clips that hold sound of one of the ``others``.

    A clip shares its sound with itself, a whole recording with its excerpts; two excerpts do not
    overlap.

    >>> sorted(sharing_sound(["a", "b", "c@0+9", "c@9+9"], ["a@0+9", "c@9+9", "d"]))
    ['a', 'c@9+9']
    """
    same, recordings = set(others), {recording_of(other) for other in others}

    def shares(clip: str) -> bool:
        recording = recording_of(clip)
        is_whole = recording == clip
        return clip in same or recording in (recordings if is_whole else same)

    return {clip for clip in hashes if shares(clip)}


def excerpt_of(content_hash: str) -> Excerpt | None:
    """Recover the place that ``excerpt_hash`` put into a hash; None for that of a recording."""
    _, _, place = content_hash.partition(_AT)
    start, _, frames = place.partition("+")
    return Excerpt(int(start), int(frames)) if start.isdecimal() and frames.isdecimal() else None
