"""A clip that was recorded otherwise is told by what its recorder did; a fault is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from numpy.typing import NDArray

from rattle.clips.hearing import hear
from rattle.clips.recorder import BANDS, Recorder, Traits
from rattle.recipe.parts import Audio

RATE_HZ = 16_000
Samples = NDArray[np.float64]


def machine(seed: int, level: float = 0.02) -> Samples:
    """A hum with the room's noise around it, 5 s."""
    noise = np.random.default_rng(seed).normal(0, level, 5 * RATE_HZ)
    return noise + 5 * level * np.sin(2 * np.pi * 180 * np.arange(5 * RATE_HZ) / RATE_HZ)


def heard(path: Path, sound: Samples, rate_hz: int = RATE_HZ, **how: str) -> Traits:
    sf.write(path, sound, rate_hz, **how)
    return hear(path, Audio()).traits


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    traits = [heard(tmp_path / f"{seed}.wav", machine(seed)) for seed in range(8)]
    summed = Recorder.of(traits, RATE_HZ)
    assert summed is not None
    return summed


def below(sound: Samples, edge_hz: float) -> Samples:
    """Take away what is above a frequency."""
    spectrum = np.fft.rfft(sound)
    spectrum[np.fft.rfftfreq(len(sound), 1 / RATE_HZ) > edge_hz] = 0
    return np.fft.irfft(spectrum, len(sound))


def test_a_level_is_that_of_the_samples() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 10 * RATE_HZ).astype(np.float32)
    traits = Traits.of(noise)
    assert traits.level_dbfs == pytest.approx(-20, abs=0.3)
    assert traits.bands_dbfs == pytest.approx([-20 - 10 * np.log10(BANDS)] * BANDS, abs=1.0)


def test_healthy_clips_of_the_same_recorder_have_no_remark(
    recorder: Recorder, tmp_path: Path
) -> None:
    for seed in range(8, 28):
        assert recorder.otherwise(heard(tmp_path / "new.wav", machine(seed))) == ""
        assert recorder.otherwise(heard(tmp_path / "new.flac", machine(seed))) == ""


def test_a_fault_is_no_other_recorder(recorder: Recorder, tmp_path: Path) -> None:
    knocks = machine(9)
    knocks[::4000] += 0.8
    louder = 2.5 * machine(9)
    hiss = machine(9) + np.random.default_rng(1).normal(0, 0.06, 5 * RATE_HZ)
    still = machine(9, level=0.008)
    for sound in (knocks, louder, hiss, still):
        assert recorder.otherwise(heard(tmp_path / "fault.wav", sound)) == ""


def test_another_rate_is_said_with_what_is_missing(recorder: Recorder, tmp_path: Path) -> None:
    said = recorder.otherwise(heard(tmp_path / "a.wav", below(machine(9), 3900)[::2], 8000))
    assert said == (
        "recorded otherwise than the training clips: 8000 Hz, theirs have 16000 Hz; nothing above "
        "4.0 kHz, theirs reach 8.0 kHz"
    )


def test_what_was_cut_off_shows_in_a_file_of_the_same_rate(
    recorder: Recorder, tmp_path: Path
) -> None:
    said = recorder.otherwise(heard(tmp_path / "a.wav", below(machine(9), 5500)))
    assert "nothing above 5.5 kHz, theirs reach 8.0 kHz" in said
    assert "Hz, theirs have" not in said


def test_a_band_that_is_gone_in_the_middle_is_said(recorder: Recorder, tmp_path: Path) -> None:
    sound = machine(9) - below(machine(9), 4000) + below(machine(9), 3000)
    said = recorder.otherwise(heard(tmp_path / "a.wav", sound))
    assert "nothing between 3.0 and 4.0 kHz, theirs have sound" in said


@pytest.mark.parametrize(
    ("name", "how", "codec"),
    [
        ("a.mp3", {"format": "MP3"}, "MP3"),
        ("a.ogg", {"format": "OGG", "subtype": "VORBIS"}, "Vorbis"),
        ("a.wav", {"subtype": "ALAW"}, "A-law"),
        ("a.wav", {"subtype": "ULAW"}, "mu-law"),
        ("a.wav", {"subtype": "PCM_U8"}, "8 bits"),
    ],
)
def test_a_lossy_codec_is_said_by_its_name(
    recorder: Recorder, tmp_path: Path, name: str, how: dict[str, str], codec: str
) -> None:
    said = recorder.otherwise(heard(tmp_path / name, machine(9), **how))
    assert f"{codec}, theirs are uncompressed" in said


def test_another_gain_is_said_once_as_a_level(recorder: Recorder, tmp_path: Path) -> None:
    said = recorder.otherwise(heard(tmp_path / "a.wav", 0.1 * machine(9)))
    assert "a level of -4" in said
    assert "theirs have -2" in said
    assert "nothing" not in said


def test_samples_of_no_file_have_neither_rate_nor_codec(recorder: Recorder) -> None:
    traits = Traits.of(machine(9).astype(np.float32))
    assert recorder.otherwise(traits) == ""


def test_what_joins_is_no_other_recorder_any_more(recorder: Recorder, tmp_path: Path) -> None:
    other = heard(tmp_path / "a.mp3", 0.1 * below(machine(9), 3900)[::2], 8000, format="MP3")
    assert recorder.otherwise(other) != ""
    assert recorder.joined_by([other]).otherwise(other) == ""
    assert recorder.joined_by([]) == recorder
    assert Recorder.of([], RATE_HZ) is None


def test_a_short_and_a_silent_clip_have_traits() -> None:
    for samples in (np.zeros(3, np.float32), np.zeros(RATE_HZ, np.float32)):
        assert np.isfinite(Traits.of(samples).bands_dbfs).all()
