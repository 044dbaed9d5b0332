"""Decode what libsndfile does not read, by ffmpeg: M4A, WMA, AMR, WebM, the sound of videos."""

from __future__ import annotations

import re
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from typing import Literal

import numpy as np

from rattle.clips.containers import Container
from rattle.clips.ffmpeg import INSTALL, QUIET, program_path, running
from rattle.clips.ffprobe import first_track, input_of
from rattle.clips.sound import Block, Sound
from rattle.clips.watched import PATIENCE_SECONDS, within
from rattle.clips.wav import Wav
from rattle.errors import ClipError

# Encoders put silence before and behind the sound, which not every header counts.
TOLERATED_SECONDS = 0.5
# What ffmpeg says of a file that ends too early, though it ends well itself.
_CUT = re.compile("partial file|ended prematurely|truncat|invalid data|end of file", re.IGNORECASE)
# As libsndfile calls them.
_SUBTYPES = {"mp3": "MPEG_LAYER_III", "mp2": "MPEG_LAYER_II", "pcm_alaw": "ALAW"} | {
    "pcm_mulaw": "ULAW",
    "pcm_u8": "PCM_U8",
}


class ByFfmpeg(Sound):
    """A recording that ffmpeg decodes, the first audio track of a file.

    ``wav`` is what its chunks tell, if it is a WAV. Raises ``ClipError`` as ``first_track`` does.
    """

    def __init__(self, path: Path, container: Container, wav: Wav | None = None) -> None:
        track = first_track(path, container)
        self.path, self._input = path, input_of(path, container)
        self.samplerate, self.channels = track.sample_rate_hz, track.channels
        self.frames = round(track.seconds * track.sample_rate_hz)
        self.format = container.name
        self.subtype = _SUBTYPES.get(track.codec, track.codec.upper())
        self._opened = ExitStack()
        self._process: Popen[bytes] | None = None
        self._said: deque[str] = deque(maxlen=20)
        self._failure = ""
        self._missing = None if wav is None else wav.missing
        self._remarks = [] if wav is None else list(wav.remarks)
        self._is_over = False
        self._place = 0

    def read(self, frames: int, dtype: Literal["int16", "float32"]) -> Block:
        if self._is_over:
            return np.empty((0, self.channels), np.float32)
        if self._process is None:
            self._process = self._opened.enter_context(running(self._command(), self._said))
        stream = self._process.stdout
        assert stream is not None  # noqa: S101
        frame_bytes = 4 * self.channels
        try:
            data = within(PATIENCE_SECONDS, lambda: stream.read(frames * frame_bytes))
        except TimeoutError:
            self._process.kill()
            raise ClipError(
                f"{self.path}: cannot be read as audio (ffmpeg gave no sound for "
                f"{PATIENCE_SECONDS:g} s); convert it to WAV or FLAC, or leave it out"
            ) from None
        if len(data) < frames * frame_bytes:
            self._end()
        data = data[: len(data) - len(data) % frame_bytes]
        self._place += len(data) // frame_bytes
        block: Block = np.frombuffer(data, "<f4").reshape(-1, self.channels)
        return block

    def seek(self, frame: int) -> None:
        if frame < self._place:
            raise ValueError(f"ffmpeg reads forwards; {frame} lies before {self._place}")
        while self._place < frame and len(self.read(min(frame - self._place, 1 << 16), "float32")):
            pass

    def shortfall(self, decoded_frames: int) -> str | None:
        if self._missing:
            return self._missing
        if self._failure:
            return f"cut short or damaged: {decoded_frames} frames can be decoded ({self._failure})"
        if decoded_frames < self.frames - TOLERATED_SECONDS * self.samplerate:
            return (
                f"cut short or damaged: {decoded_frames} of about {self.frames} frames can be "
                "decoded"
            )
        return None

    def close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        self._opened.close()

    def _command(self) -> list[str]:
        program = program_path()
        if program is None:
            raise ClipError(f"{self.path}: ffmpeg, which reads it, is gone; {INSTALL}")
        # As floats, whatever it was, and as its header says throughout.
        as_stated = ["-ar", str(self.samplerate), "-ac", str(self.channels)]
        samples = ["-map", "0:a:0", "-c:a", "pcm_f32le", *as_stated, "-f", "f32le"]
        return [program, *QUIET, *self._input, *samples, "pipe:1"]

    def _end(self) -> None:
        """Let the process end, and hear what it has to say."""
        self._is_over = True
        assert self._process is not None  # noqa: S101
        try:
            code = self._process.wait(PATIENCE_SECONDS)
        except TimeoutExpired:
            self._process.kill()
            code = -1
        self._opened.close()
        said = [re.sub(r"^\[[^\]]*\] *", "", line) for line in self._said]
        cut = next(filter(_CUT.search, said), "")
        if code or cut:
            self._failure = f"ffmpeg: {cut or (said[-1] if said else f'it ended with {code}')}"
        elif said:
            self._remarks.append(f"ffmpeg says of it: {said[-1]}")
        self.remark = "; ".join(self._remarks)
