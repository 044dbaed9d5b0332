"""Say what is to know of a clip before it is learnt from: whether it is fit, and how recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rattle.clips.amplitude import Moments
from rattle.clips.hearing import Heard
from rattle.clips.recorder import Traits


@dataclass(frozen=True)
class Facts:
    """Why a clip is not fit to be learnt from, or nothing; how it was recorded; its moments."""

    fault: str
    traits: Traits
    moments: Moments

    @classmethod
    def of(cls, heard: Heard) -> Facts:
        """Take them of a clip that was heard."""
        return cls(heard.fault_to_learn_from, heard.traits, Moments.of(heard.samples))

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Facts:
        """Rebuild from what ``dataclasses.asdict`` gave; ``KeyError`` or ``TypeError`` of other."""
        traits = {**stored["traits"], "bands_dbfs": tuple(stored["traits"]["bands_dbfs"])}
        return cls(stored["fault"], Traits(**traits), Moments(**stored["moments"]))
