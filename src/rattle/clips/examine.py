"""Decode one recording once and say what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from rattle.clips.fitness import SILENT_PEAK, Fitness, Samples, fault_of
from rattle.clips.length import at_least, shortest_judged_s
from rattle.clips.pcm16 import from_16_bit, to_16_bit
from rattle.clips.reading import (
    Block,
    FloatArray,
    as_float,
    holds_samples,
    open_sound,
    shortfall,
    sound_blocks,
)
from rattle.errors import ClipError
from rattle.recipe import Recipe

Severity = Literal["error", "warning"]

# A DC offset that matters: above 1 % of full scale and above a tenth of the sound's own RMS. It
# shifts the mean and widens the deviation the amplitudes are normalised by.
OFFSET_LEVEL = 0.01
OFFSET_SHARE_OF_RMS = 0.1

# What makes training or evaluation wrong or impossible; the rest makes it worse.
ERRORS = frozenset(
    {"unreadable", "no-channel", "truncated", "empty", "not-finite", "train-test-leak"}
)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a file or, where ``path`` is None, with a machine's clips."""

    path: Path | None
    code: str
    message: str

    @property
    def severity(self) -> Severity:
        return "error" if self.code in ERRORS else "warning"


@dataclass(frozen=True)
class Examined:
    """What decoding a file showed.

    ``sound_hash`` is the same for the same samples at the same rate, whatever the file format, in
    one run of Python; it is None for a file with an error and for silence, where equality means
    nothing.
    """

    path: Path
    findings: tuple[Finding, ...]
    sound_hash: int | None = None


@dataclass
class _Levels:
    """Running statistics of the channel that a recipe hears."""

    samples: int = 0
    total: float = 0.0
    energy: float = 0.0
    peak: float = 0.0
    is_finite: bool = True

    def add(self, channel: FloatArray) -> None:
        self.samples += len(channel)
        # numpy adds in pairs: single precision loses nothing that matters.
        self.total += float(channel.sum())
        self.energy += float(np.square(channel).sum())
        self.peak = max(self.peak, float(channel.max()), -float(channel.min()))


def examine(path: Path, recipe: Recipe) -> Examined:
    """Decode a file in blocks and collect the findings about it alone.

    Levels are those of the channel that the recipe hears, or of the mean of all; NaN, infinity and
    the like are looked for in all. A clip is too short where it does not fill one window at the
    recipe's rate.
    """
    channel = recipe.audio.channel
    levels = _Levels()
    hashes: list[int] = []
    try:
        with open_sound(path) as sound:
            rate_hz = sound.samplerate
            judge = Fitness(rate_hz)
            channels = sound.channels
            if channel != "mean" and channel >= channels:
                message = f"has channels 0 to {channels - 1}; the recipe hears channel {channel}"
                return Examined(path, (Finding(path, "no-channel", message),))
            for block in sound_blocks(sound):
                if not holds_samples(block):
                    levels.is_finite = False
                    break
                heard = _heard(block, channel)
                judge.push(heard)
                levels.add(heard.mean(axis=1))
                # Python's own, of 64 bits, in less than half the time of a cryptographic one.
                hashes.append(hash(_as_16_bit(block).tobytes()))
            missing = shortfall(sound, levels.samples) if levels.is_finite else None
    except ClipError as error:
        return Examined(path, (Finding(path, "unreadable", str(error)),))
    broken = _broken(levels, missing)
    if broken:
        return Examined(path, (Finding(path, *broken),))
    findings = [
        Finding(path, *code_and_message) for code_and_message in (*_faults(judge), *_offset(levels))
    ]
    wanted_hz = recipe.audio.sample_rate_hz
    if rate_hz != wanted_hz:
        findings.append(Finding(path, "other-rate", _rate_message(rate_hz, wanted_hz)))
    window_s = (recipe.features.window_samples + recipe.features.fft_samples) / wanted_hz
    if levels.samples / rate_hz < window_s:
        shortest_s = shortest_judged_s(recipe.audio, recipe.features)
        message = (
            f"{levels.samples / rate_hz:.2f} s long; one window takes {window_s:.2f} s, and below "
            f"{at_least(shortest_s)} a clip is not judged, nor learnt from beside longer ones"
        )
        findings.append(Finding(path, "too-short", message))
    sound_hash = None if levels.peak < SILENT_PEAK else hash((rate_hz, channels, *hashes))
    return Examined(path, tuple(findings), sound_hash)


def _heard(block: Block, channel: int | Literal["mean"]) -> Samples:
    """Select the channels of a block that a recipe hears, ``[frames, 1 or all]``."""
    return as_float(block if channel == "mean" else block[:, channel : channel + 1])


def _as_16_bit(block: Block) -> Block:
    """Turn a block into 16-bit samples where it holds no others: the same sound in any format."""
    if block.dtype == np.int16:
        return block
    rounded = to_16_bit(as_float(block))
    return rounded if np.array_equal(from_16_bit(rounded), block) else block


def _broken(levels: _Levels, missing: str | None) -> tuple[str, str] | None:
    if not levels.is_finite:
        return "not-finite", "holds NaN, infinite or absurdly large samples; export it again"
    if missing:
        return "truncated", f"{missing}; copy the recording again"
    if not levels.samples:
        return "empty", "holds no sound; leave the file out"
    return None


def _faults(judge: Fitness) -> list[tuple[str, str]]:
    """Say in the words of training and scoring why they will not take the clip."""
    fault = fault_of(judge.finished())
    if not fault:
        return []
    code = fault.partition(" ")[0].rstrip(":")
    advice = "lower the gain" if code == "clipped" else "look at the microphone"
    return [(code, f"{fault}; training and scoring leave it out: {advice}")]


def _offset(levels: _Levels) -> list[tuple[str, str]]:
    offset = levels.total / levels.samples
    rms = max(levels.energy / levels.samples - offset**2, 0.0) ** 0.5
    if levels.peak < SILENT_PEAK or abs(offset) <= max(OFFSET_LEVEL, OFFSET_SHARE_OF_RMS * rms):
        return []
    return [("dc-offset", f"mean {offset:+.3f} of full scale at an RMS of {rms:.3f}")]


def _rate_message(rate_hz: int, wanted_hz: int) -> str:
    if rate_hz > wanted_hz:
        return f"{rate_hz} Hz; resampled to {wanted_hz} Hz"
    return f"{rate_hz} Hz; resampled to {wanted_hz} Hz, with nothing above {rate_hz // 2} Hz"
