"""An explanation made by hand, of what a test says differs and is reacted to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rattle.diagnosis.difference import Difference
from rattle.diagnosis.seen import SeenSpectrum
from rattle.runtime.explanation import Explanation, Near, Reaction
from rattle.scoring.clip import ClipScore
from rattle.scoring.decision import Unusual

LOW, HIGH = (500.0, 707.0), (2828.0, 4000.0)


def line(hz: float, unusualness: float = 3.0, rank: int = 0) -> Difference:
    """A line that is 12 dB louder than usual."""
    return Difference("line", unusualness, hz, hz, 12.0, 6.0, rank, centre_hz=hz, lines_hz=(hz,))


def spectrum(clip: np.ndarray | None = None) -> SeenSpectrum:
    """Of a machine with a slope, which its healthy clips follow within 4 dB."""
    hz = np.geomspace(20, 7900, 60)
    middle = -40 - 5 * np.log2(hz / 20)
    return SeenSpectrum(hz, middle + 1 if clip is None else clip, middle - 4, middle, middle + 4)


def explanation(
    differences: Sequence[Difference] = (),
    reactions: Sequence[Reaction] = (),
    *,
    score: float = 0.9,
    threshold: float = 0.5,
    normal: Near | None = None,
    anomaly: Near | None = None,
    seen: SeenSpectrum | None = None,
) -> Explanation:
    return Explanation(
        ClipScore(
            "clip.wav", score, None, score, threshold, score > threshold, Unusual(24, 24), ()
        ),
        24,
        tuple(differences),
        seen or spectrum(),
        tuple(reactions),
        normal,
        anomaly,
    )
