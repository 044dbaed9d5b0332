"""Read recordings of any format that libsndfile or ffmpeg knows, as one channel at one rate.

Headers are not trusted. Memory is taken for what was decoded, never for what a header declares,
and a file that holds less than its header promises is an error and not a shorter clip; of a WAV,
whose lengths are often wrong, ``wav`` says which is which. No file is waited for without end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soxr

from rattle.clips.by_ffmpeg import ByFfmpeg
from rattle.clips.by_libsndfile import ByLibsndfile, UnknownFormatError
from rattle.clips.containers import container_of
from rattle.clips.excerpt import Excerpt
from rattle.clips.garbled import garbled
from rattle.clips.pcm16 import from_16_bit
from rattle.clips.sound import Block, DecodingError, FloatArray, Sound
from rattle.clips.wav import read_wav
from rattle.errors import ClipError

# Accelerometers and loggers start near 1 kHz, ultrasound recorders end near 768 kHz; a header that
# says anything else is damaged.
MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 768_000

# Full scale is 1; a recorder that writes its counts as they are reaches 2^31. What is beyond is a
# damaged number, and its square would leave the range of a float.
LOUDEST = 1e10

# Samples of a block over all its channels: 4 MiB as float32, however many channels there are.
BLOCK_SAMPLES = 1 << 20


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
    on_block: Callable[[FloatArray, Sound], None] | None = None,
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
    infinity, a number beyond ``LOUDEST``, or samples that are garbled (``garbled``).
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
    on_block: Callable[[FloatArray, Sound], None] | None = None,
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


def _missing(sound: Sound, decoded_frames: int, excerpt: Excerpt | None) -> str | None:
    """Say how a file falls short of its header or of the excerpt, or None when it does not."""
    if excerpt is None:
        return sound.shortfall(decoded_frames)
    if decoded_frames < excerpt.frames:
        end = excerpt.start_frame + decoded_frames
        return sound.shortfall(end) or f"it ends at frame {end}, and an excerpt goes on"
    return sound.shortfall(sound.frames)


def _go_to(sound: Sound, excerpt: Excerpt, path: Path) -> None:
    """Go to an excerpt's first frame: exact in every format, MP3, Ogg and FLAC too."""
    try:
        sound.seek(excerpt.start_frame)
    except DecodingError:
        raise ClipError(
            f"{path}: cut short or damaged: there is no frame {excerpt.start_frame}; copy the "
            "recording again or leave it out"
        ) from None


def probe(path: Path) -> AudioInfo:
    """Read the header of a recording; ``ClipError`` if unreadable.

    Sound is decoded only where the header of a file that ffmpeg reads does not say how much it is.
    """
    with open_sound(path) as sound:
        frames = sound.frames or sum(map(len, sound_blocks(sound)))
        return AudioInfo(sound.channels, sound.samplerate, frames, sound.format, sound.subtype)


def open_sound(path: Path) -> Sound:
    """Open a recording for decoding, by the reader that knows its kind of file.

    Raises ``ClipError`` unless it can be read and its rate is within the bounds above.
    """
    check_is_file(path)
    try:
        sound = _opened(path)
    except OSError as error:
        raise ClipError(f"{path}: cannot be read ({error.strerror})") from error
    if not (MIN_RATE_HZ <= sound.samplerate <= MAX_RATE_HZ and sound.channels):
        sound.close()
        raise ClipError(
            f"{path}: the header says {sound.channels} channels of {sound.samplerate} Hz, one or "
            f"more of {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz can be; the header is damaged, export the "
            "recording again"
        )
    return sound


def _opened(path: Path) -> Sound:
    try:
        with path.open("rb", buffering=0) as file:
            container = container_of(file)
            wav = read_wav(file) if container.is_wav else None
        if container.needs_ffmpeg or (wav is not None and wav.needs_ffmpeg):
            return ByFfmpeg(path, container, wav)
        return ByLibsndfile(path, wav)
    except (ValueError, UnknownFormatError) as error:
        raise ClipError(
            f"{path}: cannot be read as audio ({error}); convert it to WAV or FLAC, or leave it out"
        ) from error


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


def sound_blocks(sound: Sound, most: int | None = None) -> Iterator[Block]:
    """Decode blocks ``[frames, channels]`` until the sound ends or can be decoded no further.

    Where ``most`` is given there are no more frames than that in all.

    libsndfile reports a cut file now as a short read, now as an error, by format. Both end the
    blocks here, and ``Sound.shortfall`` tells whether that was the end the header promised. Raises
    ``ClipError`` where the samples are garbled.
    """
    frames = max(1, BLOCK_SAMPLES // sound.channels)
    # libsndfile makes floats of 16-bit samples one by one, in several times the time of numpy.
    kind: Literal["int16", "float32"] = "int16" if sound.subtype == "PCM_16" else "float32"
    while most != 0:
        count = frames if most is None else min(frames, most)
        try:
            block = sound.read(count, kind)
        except DecodingError:
            return
        if not len(block):
            return
        said = garbled(block, sound.subtype)
        if said:
            raise ClipError(f"{sound.path}: {said}; export the recording again or leave it out")
        yield block
        most = None if most is None else most - len(block)


def as_float(block: Block) -> FloatArray:
    """Turn a block, or a channel of one, into floats with full scale at +-1, same shape."""
    if block.dtype == np.int16:
        return from_16_bit(block.astype(np.int16, copy=False))
    return block.astype(np.float32, copy=False)
