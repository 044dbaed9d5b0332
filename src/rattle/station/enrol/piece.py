"""Measure ten seconds of a source: what the live checks and the states heard are made of."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rattle.clips.fitness import CLIPPED_LEVEL
from rattle.clips.recorder import BANDS, FLOOR_DBFS, Traits
from rattle.recipe.parts import Audio
from rattle.runtime.channel import ChannelStream, mean_of, select_channel
from rattle.station.enrol.hum import hum_of
from rattle.station.hear.segment import SILENCE_DBFS, level_dbfs
from rattle.station.store.speech import SPEECH_FROM_S, seconds_of_speech

Samples = NDArray[np.float32]

# What rounding to 16 bits leaves in a band, and some dB: a microphone's own noise is louder.
NO_SOUND_DBFS = FLOOR_DBFS + 6


@dataclass(frozen=True)
class Piece:
    """What was measured of some seconds.

    levels_db: of each second, in dBFS. clipped: the share of samples at full scale. fault: why it
    is not fit to be learnt from, as ``clips.fitness`` says. mains_hz, hum_db: the mains whose lines
    stand out, 0 for none, and what share of the power they are. speech_s: how long someone speaks.
    top_khz: up to where there is sound. file: its recording; "" where none is kept.
    """

    at: datetime
    seconds: float
    levels_db: tuple[float, ...]
    peak_db: float
    clipped: float
    fault: str
    mains_hz: int
    hum_db: float
    speech_s: float
    top_khz: float
    file: str = ""

    @property
    def end(self) -> datetime:
        """When it ends."""
        return self.at + timedelta(seconds=self.seconds)

    @property
    def has_speech(self) -> bool:
        """Whether someone speaks in it: nothing is learnt from that."""
        return self.speech_s > SPEECH_FROM_S

    def line(self) -> str:
        """Write it as a line of JSON."""
        return json.dumps({**asdict(self), "at": self.at.isoformat()})

    @classmethod
    def of_line(cls, line: str) -> Piece | None:
        """Read what ``line`` wrote; None where it was not written to its end."""
        try:
            said: dict[str, Any] = json.loads(line)
            at = datetime.fromisoformat(said.pop("at"))
            return cls(at=at, levels_db=tuple(said.pop("levels_db")), **said)
        except (ValueError, TypeError, KeyError):
            return None


def measured(
    samples: Samples, sample_rate_hz: int, at: datetime, fault: str, audio: Audio
) -> Piece:
    """Measure ``samples [T, channels]`` as the recipe's ``audio`` hears them.

    ``fault`` is what the judge of sound (``clips.fitness``) says of them. Of damaged samples no
    more is measured than that.
    """
    heard = mean_of(select_channel(samples, audio.channel))
    seconds = len(heard) / sample_rate_hz
    if not np.isfinite(heard).all():
        return Piece(at, seconds, (), SILENCE_DBFS, 0.0, fault or "damaged", 0, 0.0, 0.0, 0.0)
    levels = [
        level_dbfs(heard[start : start + sample_rate_hz])
        for start in range(0, len(heard), sample_rate_hz)
    ]
    peak = np.abs(select_channel(samples, audio.channel))
    hum = hum_of(heard, sample_rate_hz)
    return Piece(
        at=at,
        seconds=seconds,
        levels_db=tuple(SILENCE_DBFS if level is None else level for level in levels),
        peak_db=round(20 * float(np.log10(max(float(peak.max()), 1e-6))), 1),
        clipped=float((peak >= CLIPPED_LEVEL).mean()),
        fault=fault,
        mains_hz=0 if hum is None else hum.mains_hz,
        hum_db=0.0 if hum is None else hum.share_db,
        speech_s=round(seconds_of_speech(heard, sample_rate_hz), 2),
        top_khz=_top_khz(ChannelStream(audio, sample_rate_hz).push(samples), audio),
    )


def _top_khz(samples: Samples, audio: Audio) -> float:
    """Say up to which frequency there is more than what rounding leaves."""
    bands = np.array(Traits.of(samples).bands_dbfs)
    sounding = np.flatnonzero(bands > NO_SOUND_DBFS)
    top = 0 if not len(sounding) else int(sounding[-1]) + 1
    return top * audio.sample_rate_hz / 2 / BANDS / 1000
