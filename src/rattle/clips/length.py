"""Say how long a clip has to be for what is heard in it to be more than chance.

A network sees windows of one length, and a shorter clip is repeated until it fills one. Repeated
it has lines that no machine made. Of a real slider's 60 healthy clips, cut to 1, 2, 3, 5, 6, 7 and
8 s, a detector of windows of 8.2 s that was trained on clips of 10 s called 60, 58, 41, 3, 8, 3 and
2 anomalous, and 2 of the whole ones (docs/explanation/unfit.md).
"""

from __future__ import annotations

import math

from rattle.recipe.parts import Audio, Features

# Of a window, or of the clips that a detector was trained on where those are shorter.
JUDGED_SHARE = 0.8


def shortest_judged_s(audio: Audio, features: Features, usual_s: float = float("inf")) -> float:
    """Give the seconds from which on a clip is judged; ``usual_s`` is how long training clips are.

    >>> shortest_judged_s(Audio(), Features()), shortest_judged_s(Audio(), Features(), 2.0)
    (6.5536, 1.6)
    """
    window_s = features.window_frames * features.hop_samples / audio.sample_rate_hz
    return JUDGED_SHARE * min(window_s, usual_s)


def at_least(seconds: float) -> str:
    """Write a least length so that a clip of what is written has it.

    >>> at_least(6.5536)
    '6.6 s'
    """
    return f"{math.ceil(seconds * 10) / 10:.1f} s"
