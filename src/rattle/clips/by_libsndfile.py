"""Decode what libsndfile reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event
from typing import Literal, TypeVar

import numpy as np
import soundfile as sf

from rattle.clips.sound import Block, DecodingError, Sound
from rattle.clips.watched import PATIENCE_SECONDS, within
from rattle.clips.wav import UNKNOWN_BYTES, Wav
from rattle.clips.wav_view import WavView
from rattle.errors import ClipError

T = TypeVar("T")

# libsndfile shortens the length to what the file holds and leaves what the header said in its log
# only: "SSND : 320000 (should be 63978)". AIFF, AU and W64 in this order.
_SHORTENED = re.compile(
    r"^\s*(?:SSND|Data Size|data|riff)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE
)
# Python unloads libsndfile when it ends, and a call that still hangs in it would end as a crash.
_LIBRARY = tuple(vars(sf).values())
# Samples that are looked at to find out where in 32 bits the 24 lie: so many pieces of so many.
_PIECES, _PIECE_SAMPLES = 32, 16_384


# Recordings whose decoder did not come back, or was not waited for.
_LEFT_BEHIND: list[Sound] = []


class ByLibsndfile(Sound):
    """A recording that libsndfile decodes.

    ``wav`` is where its sound is, if it is a WAV: one with an odd header is shown to libsndfile in
    order. What was not walked is decoded with a time limit. Raises ``ClipError`` where that is over
    and ``UnknownFormatError`` where libsndfile does not read it.
    """

    def __init__(self, path: Path, wav: Wav | None = None) -> None:
        self.path = path
        self._is_left_behind = False
        self._missing: str | None = None
        self._is_walked = wav is not None
        self._view = None if wav is None or wav.is_plain else WavView(path, wav)
        try:
            self._file = self._limited(lambda: sf.SoundFile(self._view or path))
        except (sf.SoundFileError, TypeError) as error:  # TypeError: .raw, which has no header
            if self._view:
                self._view.close()
            reason = getattr(error, "error_string", str(error)).rstrip(".")
            raise UnknownFormatError(reason) from error
        self.samplerate = self._file.samplerate
        self.channels = self._file.channels
        self.frames = self._file.frames
        self.format, self.subtype = self._file.format, self._file.subtype
        self._gain = np.float32(1)
        if wav is not None:
            self._missing = wav.missing
            self.remark = "; ".join(wav.remarks)
            self._raise_low_samples(wav)

    def read(self, frames: int, dtype: Literal["int16", "float32"]) -> Block:
        try:
            block: Block = self._limited(
                lambda: self._file.read(frames, dtype=dtype, always_2d=True)
            )
        except sf.LibsndfileError as error:
            raise DecodingError(str(error)) from error
        return block if self._gain == 1 else block * self._gain

    def seek(self, frame: int) -> None:
        try:
            self._limited(lambda: self._file.seek(frame))
        except sf.LibsndfileError as error:
            raise DecodingError(str(error)) from error

    def shortfall(self, decoded_frames: int) -> str | None:
        """Say in words how the file falls short of its header, or None when it does not.

        Ogg files state no length, so a cut one cannot be told from a short one.
        """
        if self._missing:
            return self._missing
        if decoded_frames < self.frames:
            promised = self.frames
            # A FLAC written to a pipe states no length: libsndfile then says 2^63 - 1.
            if promised == np.iinfo(np.int64).max:
                return (
                    "cut short, or its header states no length: "
                    f"{decoded_frames} frames were decoded"
                )
            return f"cut short or damaged: {decoded_frames} of {promised} frames can be decoded"
        if self._is_walked:
            return None
        for declared, actual in _SHORTENED.findall(self._file.extra_info):
            if int(actual) < int(declared) < UNKNOWN_BYTES:
                return (
                    f"cut short: the header promises {declared} bytes of sound, {actual} are there"
                )
        return None

    def close(self) -> None:
        if self._is_left_behind:
            return
        self._file.close()
        if self._view:
            self._view.close()

    def _limited(self, call: Callable[[], T]) -> T:
        if self._is_walked:
            return call()
        is_back = Event()

        def watched() -> T:
            try:
                return call()
            finally:
                is_back.set()

        try:
            return within(PATIENCE_SECONDS, partial(_holding, _LIBRARY, watched))
        except BaseException as error:
            if not is_back.is_set():
                # Its thread may still be in the decoder: what that uses is never let go.
                self._is_left_behind = True
                _LEFT_BEHIND.append(self)
            if not isinstance(error, TimeoutError):
                raise
            raise ClipError(
                f"{self.path}: cannot be read as audio (its decoder did not come back within "
                f"{PATIENCE_SECONDS:g} s); export it again as WAV or FLAC, or leave it out"
            ) from None

    def _raise_low_samples(self, wav: Wav) -> None:
        """Make samples of, say, 24 bits that lie at the low end of 32 as loud as they are.

        They belong at the high end. Where the bits that the header calls empty hold something, and
        those beyond the lowest 24 nothing, the recorder put them at the other end. Where neither
        holds anything it may have: that is a remark, as it may as well be soft sound.
        """
        if not wav.empty_bits or self.subtype != "PCM_32":
            return
        limit, is_low, peak = 1 << (31 - wav.empty_bits), False, 0
        for piece in range(_PIECES):
            self._file.seek(piece * max(self.frames - _PIECE_SAMPLES, 0) // _PIECES)
            samples = self._file.read(_PIECE_SAMPLES // self.channels + 1, dtype="int32")
            peak = max(peak, int(samples.max(initial=0)), -1 - int(samples.min(initial=0)))
            is_low |= bool((samples & ((1 << wav.empty_bits) - 1)).any())
        self._file.seek(0)
        if not 0 < peak < limit:
            return
        bits = 32 - wav.empty_bits
        said = f"its {bits} bits may lie at the low end of 32: all samples are soft enough for that"
        if is_low:
            self._gain = np.float32(1 << wav.empty_bits)
            said = f"its {bits} bits lie at the low end of 32, against the format: read as such"
        self.remark = "; ".join(filter(None, (self.remark, said)))


def _holding(library: object, call: Callable[[], T]) -> T:
    """Keep the library loaded for as long as the call is in it."""
    return call()


class UnknownFormatError(Exception):
    """libsndfile does not read the file; the text says why."""
