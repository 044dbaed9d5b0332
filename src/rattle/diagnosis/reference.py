"""Keep what a machine's healthy clips sound like, to tell later what another clip has of its own.

A reference is a table of at most 64 healthy clips: the spectrum of each, and a few figures of how
its level moves. At 16 kHz that is 0.67 MB.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rattle.diagnosis.measured import Measured, Samples
from rattle.diagnosis.resolution import CHANNELS, PULSE_CHANNELS, SCALES_S, Resolution

MOST_CLIPS = 64
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 192_000
HALVED = ("spectrum_db", "pulse_db")  # kept as float16
LOUDEST_DB = 200.0  # beyond any sound: what an untrusted file holds is a level or is refused


@dataclass(frozen=True, eq=False)
class Reference:
    """What is measured of each of n healthy clips of a machine; see ``Measured``.

    ``spectrum_db [n, F]`` and ``pulse_db [n, P, R]`` are float16, of a step of 0.06 dB at most;
    the others are float32, ``[n, ...]`` each.
    """

    sample_rate_hz: int
    spectrum_db: NDArray[np.float16]
    steady_db: NDArray[np.float32]
    loudest_db: NDArray[np.float32]
    softest_db: NDArray[np.float32]
    mean_db: NDArray[np.float32]
    pause_s: NDArray[np.float32]
    pulse_db: NDArray[np.float16]

    @classmethod
    def of(cls, clips: Iterable[Samples], sample_rate_hz: int) -> Reference:
        """Measure at most 64 healthy clips, samples float32 ``[T]`` each, of each the first 30 s.

        They should be about as long as the clips that will be compared. Nothing but what was
        measured is held of them. ``ValueError`` if there is none or the rate is outside 1 to
        192 kHz.
        """
        _check_rate(sample_rate_hz)
        columns = _columns(clips, Resolution(sample_rate_hz))
        if columns is None:
            raise ValueError("a reference needs at least one healthy clip")
        return cls(sample_rate_hz, **columns)

    def joined_by(self, clips: Iterable[Samples], without: Iterable[Samples] = ()) -> Reference:
        """Put further healthy clips before those there are; the last of these make room.

        A clip that is there already counts once, and those in ``without`` no more, as long as one
        clip is left.
        """
        new = _columns(clips, self.resolution)
        gone = _columns(without, self.resolution)
        told = [of["spectrum_db"] for of in (new, gone) if of is not None]
        keeps = np.array([not _is_among(own, told) for own in self.spectrum_db])
        if new is None and (keeps.all() or not keeps.any()):
            return self
        every = {name: getattr(self, name)[keeps] for name in _shapes(1, self.resolution)}
        if new is not None:
            every = {name: np.concatenate([new[name], old]) for name, old in every.items()}
        return Reference(self.sample_rate_hz, **{n: of[:MOST_CLIPS] for n, of in every.items()})

    @property
    def clips(self) -> int:
        """Count the healthy clips."""
        return len(self.spectrum_db)

    @property
    def resolution(self) -> Resolution:
        """Say how finely they were measured."""
        return Resolution(self.sample_rate_hz)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Give what a bundle keeps, an array by field."""
        columns = {name: getattr(self, name) for name in _shapes(1, self.resolution)}
        return {"sample_rate_hz": np.array([self.sample_rate_hz], np.int32), **columns}

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Reference:
        """Rebuild a reference from its ``arrays()``; ``ValueError`` where they do not fit."""
        expected = {field.name for field in fields(cls)}
        if set(arrays) != expected:
            names = (", ".join(sorted(some)) or "nothing" for some in (arrays, expected))
            raise ValueError("its reference holds {}, not {}".format(*names))
        rate = np.asarray(arrays["sample_rate_hz"])
        if rate.shape != (1,) or rate.dtype != np.int32:
            raise ValueError("its reference's sample rate is not one int32")
        sample_rate_hz = int(rate[0])
        _check_rate(sample_rate_hz)
        clips = arrays["spectrum_db"].shape[0] if arrays["spectrum_db"].ndim else 0
        if not 1 <= clips <= MOST_CLIPS:
            raise ValueError(f"its reference holds {clips} clips, not 1 to {MOST_CLIPS}")
        columns: dict[str, Any] = {
            name: _checked(name, arrays[name], shape)
            for name, shape in _shapes(clips, Resolution(sample_rate_hz)).items()
        }
        return cls(sample_rate_hz, **columns)


def _columns(clips: Iterable[Samples], resolution: Resolution) -> dict[str, Any] | None:
    """Measure at most 64 clips, a column of a table by field; None where there is no clip."""
    measured = [Measured.of(clip, resolution) for clip in islice(clips, MOST_CLIPS)]
    if not measured:
        return None
    columns: dict[str, Any] = {
        field.name: np.stack([getattr(clip, field.name) for clip in measured])
        for field in fields(Measured)
    }
    return columns | {name: columns[name].astype(np.float16) for name in HALVED}


def _is_among(spectrum: NDArray[np.float16], others: list[NDArray[np.float16]]) -> bool:
    """Tell whether it is that of the same sound: no other gives the same to the last bit."""
    return any((spectrum == of).all(axis=1).any() for of in others)


def _shapes(clips: int, resolution: Resolution) -> dict[str, tuple[int, ...]]:
    bins, channels = resolution.fft_length // 2 + 1, CHANNELS + 1
    return {
        "spectrum_db": (clips, bins),
        "steady_db": (clips, len(resolution.band_bins) - 1),
        "loudest_db": (clips, len(SCALES_S), channels),
        "softest_db": (clips, len(SCALES_S), channels),
        "mean_db": (clips, channels),
        "pause_s": (clips, channels),
        "pulse_db": (clips, PULSE_CHANNELS, resolution.pulse_fft_length // 2 + 1),
    }


def _checked(name: str, values: NDArray[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
    dtype = np.float16 if name in HALVED else np.float32
    if values.shape != shape or values.dtype != dtype:
        raise ValueError(
            f"its reference's {name} is {values.dtype} {list(values.shape)}, "
            f"not {np.dtype(dtype)} {list(shape)}"
        )
    numbers: NDArray[Any] = np.array(values)
    # A comparison with NaN is false.
    if not (np.abs(numbers) <= LOUDEST_DB).all():
        raise ValueError(f"its reference's {name} holds other than levels or seconds")
    return numbers


def _check_rate(sample_rate_hz: int) -> None:
    if not LOWEST_RATE_HZ <= sample_rate_hz <= HIGHEST_RATE_HZ:
        raise ValueError(
            f"the sample rate is {sample_rate_hz} Hz; "
            f"a reference has one from {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz"
        )
