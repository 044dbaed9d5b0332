"""Read recordings: any format libsndfile knows, one channel at one rate, in bounded memory.

Headers are not trusted. Memory is taken for what was decoded, never for what a header declares,
and a file that holds less than its header promises is an error and not a shorter clip.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import soundfile as sf
import soxr

from rattle.clips.excerpt import Excerpt
from rattle.clips.pcm16 import from_16_bit
from rattle.errors import ClipError

FloatArray = npt.NDArray[np.float32]
# Samples as they were decoded: 16-bit ones as such, all others with full scale at +-1.
Block = npt.NDArray[np.int16] | FloatArray

AUDIO_SUFFIXES = frozenset(
    {".wav", ".wave", ".w64", ".rf64", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf"}
    | {".flac", ".ogg", ".oga", ".opus", ".mp3"}
)

# Accelerometers and loggers start near 1 kHz, ultrasound recorders end near 768 kHz; a header that
# says anything else is damaged.
MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 768_000

# Full scale is 1; a recorder that writes its counts as they are reaches 2^31. What is beyond is a
# damaged number, and its square would leave the range of a float.
LOUDEST = 1e10

# Samples of a block over all its channels: 4 MiB as float32, however many channels there are.
BLOCK_SAMPLES = 1 << 20

# Recorders that write to a pipe cannot go back to fill in the length and leave a number near 2 or
# 4 GiB in its place (sox 0x7FFFF000, ffmpeg 0xFFFFFFFF). Such a length promises nothing.
UNKNOWN_BYTES = 0x7FFF_0000

# libsndfile shortens the length to what the file holds and leaves what the header said in its log
# only: "data : 320000 (should be 63978)". WAV, AIFF, AU, W64 and RF64 in this order.
_SHORTENED = re.compile(
    r"^\s*(?:data|SSND|Data Size|riff|Riff size)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE
)


@dataclass(frozen=True)
class AudioInfo:
    """What a file's header says; ``frames`` are samples a channel."""

    channels: int
    sample_rate_hz: int
    frames: int
    format: str
    subtype: str

    @property
    def seconds(self) -> float:
        return self.frames / self.sample_rate_hz


def read_clip(
    path: Path,
    *,
    sample_rate_hz: int = 16_000,
    channel: int | Literal["mean"] = 0,
    on_block: Callable[[FloatArray, sf.SoundFile], None] | None = None,
    excerpt: Excerpt | None = None,
) -> FloatArray:
    """Read one channel of a recording, or the mean of all, resampled where its rate differs.

    Of an ``excerpt`` no more than that is decoded. ``on_block`` is given each block of the channels
    heard, ``[T, channels]`` as they were recorded, and the file that it is of.

    Returns float32 ``[samples]``, full scale at +-1 for integer formats. Peak memory is that array,
    twice where it is longer than a block, and one block of 4 MiB. The resampler is soxr at its HQ
    setting (linear phase, no delay).

    Raises ``ClipError`` when the file is not there, is a folder, cannot be decoded, holds no
    sound or less than its header promises, has no such channel, or holds what is no sample: NaN,
    infinity or a number beyond ``LOUDEST``.
    """
    blocks = list(
        clip_blocks(
            path,
            sample_rate_hz=sample_rate_hz,
            channel=channel,
            on_block=on_block,
            excerpt=excerpt,
        )
    )
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


def clip_blocks(
    path: Path,
    *,
    sample_rate_hz: int = 16_000,
    channel: int | Literal["mean"] = 0,
    on_block: Callable[[FloatArray, sf.SoundFile], None] | None = None,
    excerpt: Excerpt | None = None,
) -> Iterator[FloatArray]:
    """Read as ``read_clip`` does, a block at a time: ``[T]`` each, in bounded memory.

    What is wrong with the file may only show at its end.
    """
    with open_sound(path) as sound:
        if channel != "mean" and not 0 <= channel < sound.channels:
            raise ClipError(
                f"{path}: there is no channel {channel}, the file has {sound.channels}; "
                f"ask for 0 to {sound.channels - 1} or for the mean"
            )
        resampler = (
            None
            if sound.samplerate == sample_rate_hz
            else soxr.ResampleStream(sound.samplerate, sample_rate_hz, 1, "float32", "HQ")
        )
        decoded_frames = 0
        if excerpt is not None:
            _go_to(sound, excerpt, path)
        for block in sound_blocks(sound, None if excerpt is None else excerpt.frames):
            heard = block if channel == "mean" else block[:, channel]
            if not holds_samples(heard):
                raise ClipError(
                    f"{path}: NaN, infinite or absurdly large samples within {len(block)} frames "
                    f"of frame {decoded_frames}; export the recording again or leave it out"
                )
            mono = as_float(heard)
            if on_block is not None:
                on_block(mono if mono.ndim == 2 else mono[:, None], sound)
            # Copied where it is one of several channels: the others must not stay in memory.
            mono = mono.mean(axis=1) if channel == "mean" else np.ascontiguousarray(mono)
            decoded_frames += len(mono)
            yield mono if resampler is None else resampler.resample_chunk(mono)
        missing = _missing(sound, decoded_frames, excerpt)
    if missing:
        raise ClipError(f"{path}: {missing}; copy the recording again or leave it out")
    if not decoded_frames:
        raise ClipError(f"{path}: the file holds no sound; leave it out")
    if resampler is not None:
        yield resampler.resample_chunk(np.empty(0, np.float32), last=True)


def _missing(sound: sf.SoundFile, decoded_frames: int, excerpt: Excerpt | None) -> str | None:
    """Say how a file falls short of its header or of the excerpt, or None when it does not."""
    if excerpt is None:
        return shortfall(sound, decoded_frames)
    if decoded_frames < excerpt.frames:
        end = excerpt.start_frame + decoded_frames
        return shortfall(sound, end) or f"it ends at frame {end}, and an excerpt goes on"
    return shortfall(sound, sound.frames)


def _go_to(sound: sf.SoundFile, excerpt: Excerpt, path: Path) -> None:
    """Go to an excerpt's first frame: exact in every format, MP3, Ogg and FLAC too."""
    try:
        sound.seek(excerpt.start_frame)
    except sf.LibsndfileError:
        raise ClipError(
            f"{path}: cut short or damaged: there is no frame {excerpt.start_frame}; copy the "
            "recording again or leave it out"
        ) from None


def probe(path: Path) -> AudioInfo:
    """Read the header of a recording and decode no sound; ``ClipError`` if unreadable."""
    with open_sound(path) as sound:
        return AudioInfo(
            sound.channels, sound.samplerate, sound.frames, sound.format, sound.subtype
        )


def open_sound(path: Path) -> sf.SoundFile:
    """Open a recording for decoding; ``ClipError`` unless its header is within the bounds above."""
    check_is_file(path)
    try:
        sound = sf.SoundFile(path)
    except (sf.SoundFileError, TypeError) as error:  # TypeError: .raw, which has no header
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        raise ClipError(
            f"{path}: cannot be read as audio ({reason}); "
            "convert it to WAV or FLAC, or leave it out"
        ) from error
    if not MIN_RATE_HZ <= sound.samplerate <= MAX_RATE_HZ:
        sound.close()
        raise ClipError(
            f"{path}: the header says {sound.samplerate} Hz, {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz "
            "can be; the header is damaged, export the recording again"
        )
    return sound


def check_is_file(path: Path) -> None:
    """Raise ``ClipError`` unless there is a file, whose name can be written down."""
    if not path.is_file():
        if path.is_dir():
            raise ClipError(f"{path}: this is a folder, a recording was expected")
        if not path.exists():
            raise ClipError(f"{path}: there is no such file")
        # Opening a pipe would wait for someone to write to it.
        raise ClipError(f"{path}: this is a pipe or a device, a recording was expected")
    try:
        str(path).encode()
    except UnicodeEncodeError:  # a name that an older system wrote in Latin-1, say
        shown = str(path).encode(errors="backslashreplace").decode()
        raise ClipError(
            f"{shown}: the name of the file or of a folder is not UTF-8; rename it"
        ) from None


def holds_samples(block: Block) -> bool:
    """Tell whether all are numbers that a sample can be: no NaN, none beyond ``LOUDEST``."""
    # As Python's numbers: 1e10 is beyond those of a half-precision array.
    return block.dtype == np.int16 or (
        -LOUDEST <= float(block.min()) <= float(block.max()) <= LOUDEST
    )


def sound_blocks(sound: sf.SoundFile, most: int | None = None) -> Iterator[Block]:
    """Decode blocks ``[frames, channels]`` until the sound ends or can be decoded no further.

    Where ``most`` is given there are no more frames than that in all.

    libsndfile reports a cut file now as a short read, now as an error, by format. Both end the
    blocks here, and ``shortfall`` tells whether that was the end the header promised.
    """
    frames = max(1, BLOCK_SAMPLES // sound.channels)
    # libsndfile makes floats of 16-bit samples one by one, in several times the time of numpy.
    kind = "int16" if sound.subtype == "PCM_16" else "float32"
    while most != 0:
        count = frames if most is None else min(frames, most)
        try:
            block = sound.read(count, dtype=kind, always_2d=True)
        except sf.LibsndfileError:
            return
        if not len(block):
            return
        yield block
        most = None if most is None else most - len(block)


def as_float(block: Block) -> FloatArray:
    """Turn a block, or a channel of one, into floats with full scale at +-1, same shape."""
    if block.dtype == np.int16:
        return from_16_bit(block.astype(np.int16, copy=False))
    return block.astype(np.float32, copy=False)


def shortfall(sound: sf.SoundFile, decoded_frames: int) -> str | None:
    """Say in words how a file falls short of its header, or None when it does not.

    Ogg files state no length, so a cut one cannot be told from a short one.
    """
    if decoded_frames < sound.frames:
        promised = sound.frames
        # A FLAC written to a pipe states no length: libsndfile then says 2^63 - 1.
        if promised == np.iinfo(np.int64).max:
            return (
                f"cut short, or its header states no length: {decoded_frames} frames were decoded"
            )
        return f"cut short or damaged: {decoded_frames} of {promised} frames can be decoded"
    for declared, actual in _SHORTENED.findall(sound.extra_info):
        if int(actual) < int(declared) < UNKNOWN_BYTES:
            return f"cut short: the header promises {declared} bytes of sound, {actual} are there"
    return None
