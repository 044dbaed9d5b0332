"""An open recording, whoever decodes it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
# Samples as they were decoded: 16-bit ones as such, all others with full scale at +-1.
Block = npt.NDArray[np.int16] | FloatArray


class Sound(ABC):
    """A recording that is open: what its header says, and its sound from the beginning on.

    ``path`` is the file. ``frames`` are samples a channel by the header's word, 0 where it has
    none. ``format`` and ``subtype`` are the container and how the samples are written, in
    libsndfile's words where it has some. ``remark`` says, once it is decoded, what was read
    otherwise than the header says, or nothing.
    """

    path: Path
    samplerate: int
    channels: int
    frames: int
    format: str
    subtype: str
    remark: str = ""

    @abstractmethod
    def read(self, frames: int, dtype: Literal["int16", "float32"]) -> Block:
        """Decode the next frames, ``[frames or less, channels]``; none at the end.

        Raises ``DecodingError`` where it can be decoded no further and ``ClipError`` where the
        decoder does not come back.
        """

    @abstractmethod
    def seek(self, frame: int) -> None:
        """Go on at that frame, which is not before the current one."""

    @abstractmethod
    def shortfall(self, decoded_frames: int) -> str | None:
        """Say in words how the file falls short of its header once it is decoded, or None."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class DecodingError(Exception):
    """The sound can be decoded no further: at its end or, where the file is damaged, before."""
