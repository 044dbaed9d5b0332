"""One thing that a clip's sound has and the healthy clips' have not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["line", "moved", "pulse", "band", "time", "level"]


@dataclass(frozen=True)
class Difference:
    """What differs, by how much, and how rare that is among the healthy clips.

    kind: a ``line`` of the spectrum, or several that belong together; lines that ``moved`` to
        another frequency; a ``pulse`` of a channel's level; a ``band`` of frequencies; a ``time``
        at which a channel is loud or soft; the ``level`` of the whole clip.
    unusualness: 1 is what a healthy clip hardly ever reaches; see ``usual``.
    low_hz, high_hz: where it is. Of lines: the lowest and the highest. Of a pulse: the channel
        that pulses; its rates are ``lines_hz``.
    decibels: against the healthy clips' middle, below 0 for what is softer. Of lines: the
        most unusual one, against the highest level within 1.5 % of its frequency; if it moved,
        against the level where it is now.
    beyond_db: against the loudest healthy clip, or the softest if ``decibels`` is below 0. Of the
        same sign as ``decibels``, it is outside what the healthy clips have.
    rank: how many healthy clips are as far or farther on that side: in level, in the place of a
        line that moved, in the length of a pause.
    start_s, end_s: when; None if it is all the time.
    centre_hz: of the most unusual line, or rate; 0 of what is none.
    lines_hz: every line of the entry, ascending.
    harmonics_of_hz: the frequency that they are multiples of.
    spacing_hz: the distance of lines that are evenly spaced, but no harmonics: sidebands.
    usual_hz: of a line that moved, the lowest, middle and highest frequency that it has in the
        healthy clips.
    longest_s: of a pause, the longest one of the healthy clips.
    scale_s: of a moment, over how long its level was averaged. Without ``start_s``: the clip is
        never as soft as the healthy ones are at their softest.
    """

    kind: Kind
    unusualness: float
    low_hz: float
    high_hz: float
    decibels: float
    beyond_db: float
    rank: int
    start_s: float | None = None
    end_s: float | None = None
    centre_hz: float = 0.0
    lines_hz: tuple[float, ...] = ()
    harmonics_of_hz: float | None = None
    spacing_hz: float | None = None
    usual_hz: tuple[float, ...] = ()
    longest_s: float | None = None
    scale_s: float | None = None

    @property
    def is_outside(self) -> bool:
        """Whether no healthy clip is as far."""
        return self.rank == 0

    @property
    def is_louder(self) -> bool:
        """Whether there is more of it, not less."""
        return self.decibels > 0
