"""Hear a recording as a recipe does, with what is wrong with it and how it was recorded.

What scores, trains and adapts reads its clips here, so that all of them refuse the same ones.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rattle.clips.excerpt import Excerpt
from rattle.clips.fitness import Fitness, Piece, fault_of
from rattle.clips.reading import clip_blocks, probe
from rattle.clips.recorder import Bands, Traits
from rattle.clips.sound import FloatArray, Sound
from rattle.errors import ClipError
from rattle.recipe.parts import Audio

# Two years at 16 kHz.
MOST_SAMPLES = 2**40
# What is no longer is read as a whole.
KEPT_SECONDS = 60
# A long recording may hold gaps of this share of its length and be learnt from all the same: hardly
# a window meets one. In a clip of 10 s that is none.
SPOILT_SHARE = 0.01


@dataclass(frozen=True)
class Judgement:
    """What is wrong with a recording, and how it was recorded.

    ``pieces`` are judged as ``Fitness`` does; see there for the words of ``fault``. ``remark`` says
    what was read otherwise than the file's header says, or nothing.
    """

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


@dataclass(frozen=True)
class Heard:
    """Sound as a recipe hears it, ``samples [T]`` at its rate, and what was judged of it."""

    samples: FloatArray
    judgement: Judgement

    @property
    def fault(self) -> str:
        """See ``Judgement``."""
        return self.judgement.fault

    @property
    def traits(self) -> Traits:
        """How it was recorded."""
        return self.judgement.traits

    @property
    def remark(self) -> str:
        """What was read otherwise than the file's header says, or nothing."""
        return self.judgement.remark


class Hearing:
    """Hears a recording, or an excerpt, a block at a time, in memory that its length is not in.

    What is wrong with it is known when all ``blocks`` were taken.
    """

    def __init__(self, path: Path, audio: Audio, excerpt: Excerpt | None = None) -> None:
        self._path, self._audio, self._excerpt = path, audio, excerpt
        self._judge: Fitness | None = None
        self._sound: Sound | None = None

    def blocks(self) -> Iterator[FloatArray]:
        """Read the samples at the recipe's rate, ``[T]`` a block; errors as of ``read_clip``."""
        return clip_blocks(
            self._path,
            sample_rate_hz=self._audio.sample_rate_hz,
            channel=self._audio.channel,
            on_block=self._judged,
            excerpt=self._excerpt,
        )

    def judgement(self, bands: Bands) -> Judgement:
        """Judge what was heard, of which ``bands`` were taken."""
        if self._judge is None or self._sound is None:
            return Judgement([], bands.traits(self._audio.sample_rate_hz))
        sound = self._sound
        traits = bands.traits(sound.samplerate, codec_of(sound))
        return Judgement(self._judge.finished(), traits, sound.remark)

    def _judged(self, block: FloatArray, sound: Sound) -> None:
        if self._judge is None:
            self._judge, self._sound = Fitness(sound.samplerate), sound
        self._judge.push(block)


def hear(path: Path, audio: Audio, excerpt: Excerpt | None = None) -> Heard:
    """Read a recording, or an excerpt, and judge it; ``ClipError`` as ``read_clip`` raises it."""
    hearing = Hearing(path, audio, excerpt)
    blocks = list(hearing.blocks())
    samples = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    return Heard(samples, hearing.judgement(Bands.of(samples)))


def judge(
    path: Path,
    audio: Audio,
    excerpt: Excerpt | None = None,
    on_block: Callable[[FloatArray], None] = lambda _: None,
) -> Judgement:
    """Judge a recording as ``hear`` does and keep none of a long one.

    ``on_block`` is given the samples at the recipe's rate, of all but a long one at once.
    """
    samples = 0 if excerpt else samples_in(path, audio)
    if samples <= KEPT_SECONDS * audio.sample_rate_hz:
        heard = hear(path, audio, excerpt)
        on_block(heard.samples)
        return heard.judgement
    hearing, bands = Hearing(path, audio), Bands(samples)
    for block in hearing.blocks():
        if len(block):
            bands.push(block)
            on_block(block)
    return hearing.judgement(bands)


def samples_in(path: Path, audio: Audio) -> int:
    """Say by its header how many samples a recording has at the recipe's rate, to a few.

    No more than ``MOST_SAMPLES``, which a header says that states no length.
    """
    return min(round(probe(path).seconds * audio.sample_rate_hz), MOST_SAMPLES)


def hear_samples(samples: FloatArray, sample_rate_hz: int) -> Heard:
    """Judge sound that is at hand, ``[T]`` at the recipe's rate."""
    judge = Fitness(sample_rate_hz)
    judge.push(samples[:, None])
    return Heard(samples, Judgement(judge.finished(), Bands.of(samples).traits()))


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
