"""Speech is found, and machines are not taken for it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import soxr

from here import lacking
from rattle.station.store import speech
from rattle.station.store.speech import SPEECH_FROM_S, seconds_of_speech

SAID = "The bearing of pump three is getting hot, please stop the machine now."


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, int]:
    if shutil.which("espeak-ng") is None:
        lacking("espeak-ng, which speaks, is not installed")
    path = tmp_path_factory.mktemp("voice") / "said.wav"
    subprocess.run(["espeak-ng", "-w", str(path), SAID], check=True, timeout=60)
    samples, rate_hz = sf.read(path, dtype="float32")
    return samples, rate_hz


@pytest.fixture(scope="module")
def machine() -> np.ndarray:
    """Ten seconds of a machine with clicks and a hum that wavers, 16 kHz."""
    rng = np.random.default_rng(0)
    seconds = np.arange(160_000) / 16_000
    hum = sum(np.sin(2 * np.pi * 120 * k * seconds + rng.uniform(0, 6)) / k for k in range(1, 12))
    sound = 0.02 * hum * (1 + 0.3 * np.sin(2 * np.pi * 3 * seconds))
    sound += rng.normal(0, 0.02, len(seconds))
    sound[::8000] += 0.5
    return sound.astype(np.float32)


def test_speech_is_found_at_any_rate(voice: tuple[np.ndarray, int]) -> None:
    samples, rate_hz = voice
    spoken = len(samples) / rate_hz
    for other in (8000, 16_000, 48_000):
        found = seconds_of_speech(soxr.resample(samples, rate_hz, other), other)
        assert 0.7 * spoken < found <= spoken + 0.1


def test_speech_is_found_over_a_machine_as_loud(
    voice: tuple[np.ndarray, int], machine: np.ndarray
) -> None:
    said = soxr.resample(*voice, 16_000)[: len(machine)]
    said = said * np.sqrt(np.square(machine).mean() / np.square(said).mean())
    mixed = machine.copy()
    mixed[: len(said)] += said
    assert seconds_of_speech(mixed, 16_000) > 1.0


def test_speech_on_one_channel_of_several_is_found(
    voice: tuple[np.ndarray, int], machine: np.ndarray
) -> None:
    said = soxr.resample(*voice, 16_000)
    # Two microphones the other way round: their mean holds nothing.
    channels = np.stack([said, -said, np.resize(machine, len(said))], axis=1)
    assert seconds_of_speech(channels, 16_000) == pytest.approx(
        seconds_of_speech(said, 16_000), abs=0.2
    )


def test_a_machine_and_silence_are_no_speech(machine: np.ndarray) -> None:
    assert seconds_of_speech(machine, 16_000) == 0.0
    assert seconds_of_speech(np.zeros(16_000, np.float32), 16_000) == 0.0
    assert seconds_of_speech(np.empty((0, 1), np.float32), 16_000) == 0.0


@pytest.mark.parametrize(
    ("windows", "seconds"), [([1] * 3, 0.0), ([1] * 4, 0.128), ([1] * 5 + [0] + [1] * 3, 0.16)]
)
def test_clicks_that_are_like_speech_for_a_moment_do_not_count(
    monkeypatch: pytest.MonkeyPatch, windows: list[int], seconds: float
) -> None:
    likely = np.array([0, *windows, 0], np.float32)[:, None]
    monkeypatch.setattr(speech, "_likelihoods", lambda channels: likely)
    assert seconds_of_speech(np.zeros(512, np.float32), 16_000) == pytest.approx(seconds)


@pytest.mark.real
def test_no_real_machine_is_taken_for_someone_who_speaks(real_data: Path) -> None:
    found = sorted((real_data / "dcase2020-subset" / "dev_data").rglob("*.flac"))[::15]
    assert found
    for path in found:
        samples, rate_hz = sf.read(path, dtype="float32")
        assert seconds_of_speech(samples, rate_hz) < SPEECH_FROM_S, path
