"""Show why a sound stands out: the sentences, and lines and bands as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rattle.pages.explained import Bar, Mark, draw_explained

CURVES = ("hz", "clip", "lowest", "middle", "highest")


@dataclass(frozen=True)
class Explanation:
    """What is said of it, and its picture as SVG; "" where there is nothing to draw."""

    sentences: list[str]
    picture: str


def explanation(title: str, stored: Mapping[str, Any] | None) -> Explanation | None:
    """Read what was stored with an incident; None where it is not explained yet."""
    if stored is None:
        return None
    said = [str(sentence) for sentence in stored.get("sentences", ())]
    sentences = [sentence[:1].upper() + sentence[1:] for sentence in said]
    if not all(stored.get(name) for name in CURVES):
        return Explanation(sentences, "")
    hz, clip, lowest, middle, highest = (np.asarray(stored[name], float) for name in CURVES)
    marks = [Mark(**each) for each in stored.get("marks", ())]
    bars = [Bar(**each) for each in stored.get("bars", ())]
    curves = (lowest, middle, highest)
    return Explanation(
        sentences, draw_explained(title, hz, clip, curves, marks, bars, is_inline=True)
    )
