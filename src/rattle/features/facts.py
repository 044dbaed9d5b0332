"""Say what is to know of a clip before it is learnt from: whether it is fit, and how recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rattle.clips.amplitude import Moments
from rattle.clips.fingerprint import instants_of
from rattle.clips.hearing import Heard
from rattle.clips.recorder import Traits


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
    def of(cls, heard: Heard, sample_rate_hz: int) -> Facts:
        """Take them of a clip that was heard at that rate."""
        fault = heard.fault_to_learn_from
        instants = () if fault else instants_of(heard.samples, sample_rate_hz)
        return cls(fault, heard.traits, Moments.of(heard.samples), instants)

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Facts:
        """Rebuild from what ``dataclasses.asdict`` gave; ``KeyError`` or ``TypeError`` of other."""
        traits = {**stored["traits"], "bands_dbfs": tuple(stored["traits"]["bands_dbfs"])}
        moments, instants = Moments(**stored["moments"]), tuple(stored["instants"])
        return cls(stored["fault"], Traits(**traits), moments, instants)
