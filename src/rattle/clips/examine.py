"""Decode one recording once and say what is wrong with it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from rattle.clips.content import ContentHash
from rattle.clips.cutting import excerpts_within
from rattle.clips.excerpt import Excerpt
from rattle.clips.fingerprint import Beginning
from rattle.clips.fitness import SILENT_PEAK, Fitness, Piece, Samples, fault_of
from rattle.clips.length import at_least, shortest_judged_s
from rattle.clips.reading import (
    as_float,
    holds_samples,
    open_sound,
    sound_blocks,
)
from rattle.clips.sound import Block, FloatArray
from rattle.errors import ClipError
from rattle.recipe import Recipe

Severity = Literal["error", "warning"]

# A DC offset that matters: above 1 % of full scale and above a tenth of the sound's own RMS. It
# shifts the mean and widens the deviation the amplitudes are normalised by.
OFFSET_LEVEL = 0.01
OFFSET_SHARE_OF_RMS = 0.1

# Floats in pascal or in g stay below this; a recorder's counts, 8388608 at 24 bits, do not.
COUNTS_PEAK = 256.0

# What makes training or evaluation wrong or impossible; the rest makes it worse.
ERRORS = frozenset(
    {"unreadable", "no-channel", "truncated", "empty", "not-finite", "train-test-leak", "same-name"}
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

    ``content_hash`` is as ``content`` says; it is empty for a file with an error and for silence,
    where equality means nothing. So are ``instants``, which tell nearly the same sound
    (``fingerprint``), and those of a clip that is not fit. ``fit_clips`` counts the clips that
    training would take of it: one or none, of a long recording those it is cut into that are fit.
    """

    path: Path
    findings: tuple[Finding, ...]
    content_hash: str = ""
    instants: tuple[int, ...] = ()
    fit_clips: int = 0


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
    try:
        with open_sound(path) as sound:
            rate_hz = sound.samplerate
            channels = sound.channels
            judge, content = Fitness(rate_hz), ContentHash(rate_hz, channels)
            beginning = Beginning(rate_hz, recipe.audio.sample_rate_hz)
            if channel != "mean" and channel >= channels:
                message = f"has channels 0 to {channels - 1}; the recipe hears channel {channel}"
                return Examined(path, (Finding(path, "no-channel", message),))
            for block in sound_blocks(sound):
                if not holds_samples(block):
                    levels.is_finite = False
                    break
                heard = _heard(block, channel)
                judge.push(heard)
                mono = heard.mean(axis=1)
                levels.add(mono)
                content.push(block)
                beginning.push(mono)
            missing = sound.shortfall(levels.samples) if levels.is_finite else None
            remark = sound.remark
    except ClipError as error:
        return Examined(path, (Finding(path, "unreadable", str(error)),))
    broken = _broken(levels, missing)
    if broken:
        return Examined(path, (Finding(path, *broken),))
    pieces = judge.finished()
    faults = _faults(pieces)
    findings = [
        Finding(path, *code_and_message)
        for code_and_message in (*faults, *_offset(levels), *_counts(levels))
    ]
    if remark:
        findings.append(Finding(path, "odd-header", remark))
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
    if levels.peak < SILENT_PEAK:
        return Examined(path, tuple(findings))
    instants = () if faults else beginning.instants()
    places = excerpts_within(levels.samples, rate_hz, recipe)
    fit_clips = _fit_excerpts(pieces, places, rate_hz) if places else int(not faults)
    return Examined(path, tuple(findings), content.value(), instants, fit_clips)


def _heard(block: Block, channel: int | Literal["mean"]) -> Samples:
    """Select the channels of a block that a recipe hears, ``[frames, 1 or all]``."""
    return as_float(block if channel == "mean" else block[:, channel : channel + 1])


def _broken(levels: _Levels, missing: str | None) -> tuple[str, str] | None:
    if not levels.is_finite:
        return "not-finite", "holds NaN, infinite or absurdly large samples; export it again"
    if missing:
        return "truncated", f"{missing}; copy the recording again"
    if not levels.samples:
        return "empty", "holds no sound; leave the file out"
    return None


def _fit_excerpts(pieces: Sequence[Piece], places: Sequence[Excerpt], rate_hz: int) -> int:
    """Count the excerpts of a long recording that are fit."""
    ends_s = [piece.end_s for piece in pieces]

    def fault(excerpt: Excerpt) -> str:
        start_s, end_s = excerpt.start_frame / rate_hz, excerpt.end_frame / rate_hz
        return fault_of(pieces[bisect_right(ends_s, start_s) : bisect_right(ends_s, end_s)])

    return sum(not fault(excerpt) for excerpt in places)


def _faults(pieces: Sequence[Piece]) -> list[tuple[str, str]]:
    """Say in the words of training and scoring why they will not take the clip."""
    fault = fault_of(pieces)
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


def _counts(levels: _Levels) -> list[tuple[str, str]]:
    if levels.peak <= COUNTS_PEAK:
        return []
    message = (
        f"samples reach {levels.peak:.4g} where full scale is 1: they are a recorder's counts; "
        "all clips of a machine have to be written alike"
    )
    return [("counts", message)]


def _rate_message(rate_hz: int, wanted_hz: int) -> str:
    if rate_hz > wanted_hz:
        return f"{rate_hz} Hz; resampled to {wanted_hz} Hz"
    return f"{rate_hz} Hz; resampled to {wanted_hz} Hz, with nothing above {rate_hz // 2} Hz"
