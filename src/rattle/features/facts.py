"""Say what is to know of a clip before it is learnt from: whether it is fit, and how recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rattle.clips.amplitude import Moments
from rattle.clips.excerpt import Excerpt
from rattle.clips.hearing import judge
from rattle.clips.recorder import Traits
from rattle.recipe.parts import Audio


@dataclass(frozen=True)
class Facts:
    """Why a clip is not fit to be learnt from, or nothing; how it was recorded; its moments."""

    fault: str
    traits: Traits
    moments: Moments

    @classmethod
    def of(cls, path: Path, audio: Audio, excerpt: Excerpt | None = None) -> Facts:
        """Hear a clip for them, a block at a time; ``ClipError`` where it cannot be read."""
        parts: list[Moments] = []
        judgement = judge(path, audio, excerpt, lambda block: parts.append(Moments.of(block)))
        moments = sum(parts[1:], start=parts[0])
        return cls(judgement.fault_to_learn_from, judgement.traits, moments)

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Facts:
        """Rebuild from what ``dataclasses.asdict`` gave; ``KeyError`` or ``TypeError`` of other."""
        traits = {**stored["traits"], "bands_dbfs": tuple(stored["traits"]["bands_dbfs"])}
        return cls(stored["fault"], Traits(**traits), Moments(**stored["moments"]))
