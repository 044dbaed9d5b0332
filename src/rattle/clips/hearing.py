"""Hear a recording as a recipe does, with what is wrong with it and how it was recorded.

What scores, trains and adapts reads its clips here, so that all of them refuse the same ones.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rattle.clips.excerpt import Excerpt
from rattle.clips.fitness import Fitness, Piece, fault_of
from rattle.clips.reading import read_clip
from rattle.clips.recorder import Traits
from rattle.clips.sound import FloatArray, Sound
from rattle.errors import ClipError
from rattle.recipe.parts import Audio

# A long recording may hold gaps of this share of its length and be learnt from all the same: hardly
# a window meets one. In a clip of 10 s that is none.
SPOILT_SHARE = 0.01


@dataclass(frozen=True)
class Heard:
    """Sound as a recipe hears it, ``samples [T]`` at its rate, and how it was recorded.

    ``pieces`` are judged as ``Fitness`` does; see there for the words of ``fault``. ``remark`` says
    what was read otherwise than the file's header says, or nothing.
    """

    samples: FloatArray
    pieces: Sequence[Piece]
    traits: Traits
    remark: str = ""

    @property
    def fault(self) -> str:
        """Say why it is not fit to be judged as a whole, or nothing where it is."""
        return fault_of(self.pieces)

    @property
    def fault_to_learn_from(self) -> str:
        """Say why it is not fit to be learnt from, or nothing where it is; see ``SPOILT_SHARE``."""
        sound = [piece for piece in self.pieces if not piece.fault]
        spoilt = len(self.pieces) - len(sound)
        return fault_of(sound if spoilt <= SPOILT_SHARE * len(self.pieces) else self.pieces)

    @property
    def has_faults(self) -> bool:
        """Whether any part of it may be unfit."""
        return any(piece.fault or piece.at_full_scale for piece in self.pieces)

    def fault_within(self, start_s: float, end_s: float) -> str:
        """Say why the sound between is not fit to be judged, or nothing where it is."""
        first = bisect_right(self.pieces, start_s, key=_end_s)
        return fault_of(self.pieces[first : bisect_right(self.pieces, end_s, key=_end_s)])


def hear(path: Path, audio: Audio, excerpt: Excerpt | None = None) -> Heard:
    """Read a recording, or an excerpt, and judge it; ``ClipError`` as ``read_clip`` raises it."""
    judge: Fitness | None = None
    codec, rate_hz = "", audio.sample_rate_hz
    opened: Sound | None = None

    def judged(block: FloatArray, sound: Sound) -> None:
        nonlocal judge, codec, rate_hz, opened
        if judge is None:
            opened = sound
            codec, rate_hz = codec_of(sound), sound.samplerate
            judge = Fitness(rate_hz)
        judge.push(block)

    samples = read_clip(
        path,
        sample_rate_hz=audio.sample_rate_hz,
        channel=audio.channel,
        on_block=judged,
        excerpt=excerpt,
    )
    pieces = [] if judge is None else judge.finished()
    traits = Traits.of(samples, audio.sample_rate_hz, rate_hz, codec)
    return Heard(samples, pieces, traits, "" if opened is None else opened.remark)


def hear_samples(samples: FloatArray, sample_rate_hz: int) -> Heard:
    """Judge sound that is at hand, ``[T]`` at the recipe's rate."""
    judge = Fitness(sample_rate_hz)
    judge.push(samples[:, None])
    return Heard(samples, judge.finished(), Traits.of(samples, sample_rate_hz))


def _end_s(piece: Piece) -> float:
    return piece.end_s


def refused(name: str | Path, fault: str) -> ClipError:
    """Give the error that says why a clip is not judged."""
    return ClipError(
        f"{name}: not fit to be judged: {fault}; check microphone and gain, or leave it out"
    )


def codec_of(sound: Sound) -> str:
    """Name the lossy codec of a file; nothing where it keeps the samples as they were.

    Eight bits count as lossy: they add noise at -50 dB.
    """
    subtype = str(sound.subtype)
    exact = subtype.startswith(_EXACT)
    return "" if exact else _CODECS.get(subtype, subtype)


_EXACT = (
    *("PCM_16", "PCM_24", "PCM_32", "PCM_S16", "PCM_S24", "PCM_S32", "PCM_F", "FLOAT", "DOUBLE"),
    *("ALAC", "FLAC", "WAVPACK", "APE", "TTA"),
)
_CODECS = {
    "MPEG_LAYER_I": "MP1",
    "MPEG_LAYER_II": "MP2",
    "MPEG_LAYER_III": "MP3",
    "ALAW": "A-law",
    "ULAW": "mu-law",
    "VORBIS": "Vorbis",
    "OPUS": "Opus",
    "PCM_S8": "8 bits",
    "PCM_U8": "8 bits",
    "IMA_ADPCM": "ADPCM",
    "MS_ADPCM": "ADPCM",
    "GSM610": "GSM",
    "WMAV1": "WMA",
    "WMAV2": "WMA",
    "AMR_NB": "AMR",
    "AMR_WB": "AMR",
}
