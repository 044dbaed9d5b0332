"""Say what is to know of a clip before it is learnt from: whether it is fit, and how recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rattle.clips.amplitude import Moments
from rattle.clips.excerpt import Excerpt
from rattle.clips.fingerprint import Beginning
from rattle.clips.hearing import judge
from rattle.clips.recorder import Traits
from rattle.recipe.parts import Audio


@dataclass(frozen=True)
class Facts:
    """Why a clip is not fit to be learnt from, or nothing; how it was recorded; its moments.

    ``instants`` tell nearly the same sound (``fingerprint``); those of a clip that is fit.
    """

    fault: str
    traits: Traits
    moments: Moments
    instants: tuple[int, ...]

    @classmethod
    def of(cls, path: Path, audio: Audio, excerpt: Excerpt | None = None) -> Facts:
        """Hear a clip for them, a block at a time; ``ClipError`` where it cannot be read."""
        parts: list[Moments] = []
        beginning = Beginning(audio.sample_rate_hz, audio.sample_rate_hz)

        def push(block: NDArray[np.float32]) -> None:
            parts.append(Moments.of(block))
            beginning.push(block)

        judgement = judge(path, audio, excerpt, push)
        fault = judgement.fault_to_learn_from
        instants = () if fault else beginning.instants()
        return cls(fault, judgement.traits, sum(parts[1:], start=parts[0]), instants)

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Facts:
        """Rebuild from what ``dataclasses.asdict`` gave; ``KeyError`` or ``TypeError`` of other."""
        traits = {**stored["traits"], "bands_dbfs": tuple(stored["traits"]["bands_dbfs"])}
        moments, instants = Moments(**stored["moments"]), tuple(stored["instants"])
        return cls(stored["fault"], Traits(**traits), moments, instants)
