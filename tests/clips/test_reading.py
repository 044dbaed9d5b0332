from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rattle.clips.reading import probe, read_clip
from rattle.errors import ClipError

NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, 32_000).astype(np.float32)


def tone(frequency_hz: float, rate_hz: int, seconds: float = 2.0) -> np.ndarray:
    t = np.arange(int(rate_hz * seconds)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * frequency_hz * t)).astype(np.float32)


def middle(samples: np.ndarray) -> np.ndarray:
    """Without the ends, where a resampler sees silence beside the sound."""
    return samples[len(samples) // 4 : -len(samples) // 4]


def write(path: Path, samples: np.ndarray, rate_hz: int = 16_000, **options: str) -> Path:
    sf.write(path, samples, rate_hz, **options)
    return path


def with_bytes(path: Path, offset: int, data: bytes) -> Path:
    content = bytearray(path.read_bytes())
    content[offset : offset + len(data)] = data
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.wav", "PCM_16"),
        ("a.wav", "FLOAT"),
        ("a.flac", "PCM_16"),
        ("a.aiff", "PCM_24"),
        ("a.w64", "PCM_16"),
        ("a.rf64", "PCM_16"),
        ("a.caf", "PCM_16"),
        ("a.au", "PCM_16"),
    ],
)
def test_lossless_formats_give_back_what_was_written(
    tmp_path: Path, name: str, subtype: str
) -> None:
    path = write(tmp_path / name, NOISE, subtype=subtype)
    np.testing.assert_allclose(read_clip(path), NOISE, atol=2**-15)


@pytest.mark.parametrize("name", ["a.ogg", "a.mp3"])
def test_lossy_formats_keep_length_and_level(tmp_path: Path, name: str) -> None:
    sound = tone(1000, 16_000)
    samples = read_clip(write(tmp_path / name, sound))
    assert len(samples) == len(sound)
    # Half a decibel is what the encoders do to the level of a tone at their default quality.
    assert middle(samples).std() == pytest.approx(sound.std(), rel=0.06)


def test_channels_are_picked_by_index_or_averaged(tmp_path: Path) -> None:
    left, right = tone(100, 16_000), tone(300, 16_000)
    path = write(tmp_path / "a.wav", np.stack([left, right], 1), subtype="FLOAT")
    np.testing.assert_array_equal(read_clip(path), left)
    np.testing.assert_array_equal(read_clip(path, channel=1), right)
    np.testing.assert_allclose(read_clip(path, channel="mean"), (left + right) / 2, atol=1e-7)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 48_000, 96_000])
def test_a_tone_keeps_frequency_level_and_length_when_resampled(
    tmp_path: Path, rate_hz: int
) -> None:
    samples = read_clip(write(tmp_path / "a.wav", tone(1000, rate_hz), rate_hz))
    assert abs(len(samples) - 32_000) <= 1
    np.testing.assert_allclose(
        middle(samples), middle(tone(1000, 16_000)[: len(samples)]), atol=2e-3
    )


def test_16_bit_samples_are_the_floats_that_libsndfile_makes_of_them(tmp_path: Path) -> None:
    steps = np.arange(-32768, 32768, dtype=np.int16)
    path = write(tmp_path / "a.wav", steps)
    np.testing.assert_array_equal(read_clip(path), sf.read(path, dtype="float32")[0])


def test_a_tone_above_the_new_nyquist_vanishes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(10_000, 48_000), 48_000, subtype="FLOAT")
    assert np.abs(middle(read_clip(path))).max() < 0.5 * 10 ** (-100 / 20)


def test_many_blocks_resample_as_smoothly_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.wav", tone(1000, 48_000), 48_000)
    whole = read_clip(path)
    monkeypatch.setattr("rattle.clips.reading.BLOCK_SAMPLES", 1000)
    np.testing.assert_allclose(read_clip(path), whole, atol=1e-6)


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_memory_stays_near_the_mono_result_for_many_channels(tmp_path: Path, kind: type) -> None:
    frames, channels = 1_000_000, 32
    subtype = "PCM_16" if kind is np.int16 else "FLOAT"
    path = write(tmp_path / "a.wav", np.zeros((frames, channels), kind), subtype=subtype)
    tracemalloc.start()
    try:
        samples = read_clip(path)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert samples.nbytes == 4 * frames
    # The result, the pieces that it is made of, and some blocks of 4 MiB; all channels at once
    # would be 128 MB.
    assert peak_bytes < 3 * samples.nbytes + 3 * (4 << 20)


@pytest.mark.real
def test_a_published_eight_channel_clip_is_read_channel_by_channel(real_data: Path) -> None:
    path = real_data / "raw" / "mimii_pump_id_00_normal_8ch_16khz.wav"
    info = probe(path)
    assert (info.channels, info.sample_rate_hz, info.frames) == (8, 16_000, 160_000)
    assert info.format == "WAVEX"
    assert info.seconds == 10.0
    expected = sf.read(path, dtype="float32")[0]
    for channel in range(8):
        np.testing.assert_array_equal(read_clip(path, channel=channel), expected[:, channel])
    np.testing.assert_allclose(read_clip(path, channel="mean"), expected.mean(axis=1), atol=1e-6)


@pytest.mark.real
def test_a_real_48_khz_recording_keeps_its_energy_below_8_khz(real_data: Path) -> None:
    path = real_data / "raw" / "motor_stereo_48khz.wav"
    original = sf.read(path, dtype="float64")[0][:, 0]
    samples = read_clip(path)
    assert len(samples) == 32_000

    def energy_below_7_khz(x: np.ndarray, rate_hz: int) -> float:
        power = np.abs(np.fft.rfft(x)) ** 2 / len(x) ** 2
        return float(power[np.fft.rfftfreq(len(x), 1 / rate_hz) < 7000].sum())

    assert energy_below_7_khz(samples, 16_000) == pytest.approx(
        energy_below_7_khz(original, 48_000), rel=0.01
    )


def test_a_missing_file_a_folder_and_a_text_are_named_as_such(tmp_path: Path) -> None:
    text = tmp_path / "text.wav"
    text.write_text("no sound at all")
    for path, reason in [
        (tmp_path / "none.wav", "no such file"),
        (tmp_path, "folder"),
        (text, "cannot be read as audio"),
    ]:
        for function in (read_clip, probe):
            with pytest.raises(ClipError, match=reason) as error:
                function(path)
            assert str(path) in str(error.value)


def test_a_headerless_raw_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(bytes(1000))
    with pytest.raises(ClipError, match="cannot be read as audio"):
        read_clip(path)


def test_a_file_without_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="holds no sound"):
        read_clip(write(tmp_path / "a.wav", NOISE[:0]))


@pytest.mark.parametrize("channel", [2, -1])
def test_a_channel_that_is_not_there_is_refused(tmp_path: Path, channel: int) -> None:
    path = write(tmp_path / "a.wav", np.stack([NOISE, NOISE], 1))
    with pytest.raises(ClipError, match=r"no channel .* has 2"):
        read_clip(path, channel=channel)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    samples = NOISE.copy()
    samples[20_000] = value
    with pytest.raises(ClipError, match="NaN, infinite or"):
        read_clip(write(tmp_path / "a.wav", samples, subtype="FLOAT"))


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.au", "a.w64", "a.rf64", "a.flac", "a.mp3"])
def test_a_file_cut_in_half_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, NOISE)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ClipError, match="cut short"):
        read_clip(path)


def test_a_flac_damaged_in_the_middle_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", NOISE)
    with_bytes(path, path.stat().st_size // 2, bytes(3000))
    with pytest.raises(ClipError, match="damaged"):
        read_clip(path)


@pytest.mark.parametrize("declared", [0xFFFF_FFFF, 0x7FFF_F000])
def test_a_wav_written_to_a_pipe_states_no_length_and_is_read_whole(
    tmp_path: Path, declared: int
) -> None:
    path = write(tmp_path / "a.wav", NOISE)
    offset = path.read_bytes().index(b"data") + 4
    with_bytes(path, offset, struct.pack("<I", declared))
    assert len(read_clip(path)) == len(NOISE)


def test_a_huge_declared_length_takes_no_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", NOISE)
    # The 36 bits of total samples in STREAMINFO, all set: 68,719,476,735 frames, 256 GiB.
    content = path.read_bytes()
    with_bytes(path, 21, bytes([content[21] | 0x0F]) + b"\xff" * 4)
    with pytest.raises(ClipError, match="of 68719476735 frames"):
        read_clip(path)


@pytest.mark.parametrize("rate_hz", [1, 999, 768_001, 2_000_000_000])
def test_a_silly_sample_rate_is_refused(tmp_path: Path, rate_hz: int) -> None:
    path = with_bytes(write(tmp_path / "a.wav", NOISE), 24, struct.pack("<I", rate_hz))
    with pytest.raises(ClipError, match=f"{rate_hz} Hz"):
        read_clip(path)
