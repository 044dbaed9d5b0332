"""A long recording is scored a span at a time: as in one piece, in memory it does not grow in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from rattle import ClipError, Detector, Recipe
from rattle.clips import hearing as hearing_module
from rattle.clips.hearing import hear, judge
from rattle.clips.reading import read_clip
from rattle.recipe.parts import Audio
from rattle.runtime.scorer import Scorer
from rattle.runtime.spans import margin_of, spans
from rattle.scoring.windows import WINDOWS_AT_ONCE, sliding_starts, timeline_hop

RATE_HZ = 16_000
TINY = Recipe.load("small").with_values(features={"window_frames": 64, "fft_samples": 512})


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(samples, dtype=np.float32)


@given(samples=st.integers(31 * RATE_HZ, 200 * RATE_HZ), block=st.integers(RATE_HZ, 3_000_000))
def test_spans_hold_every_window_once_with_the_samples_that_it_takes(
    samples: int, block: int
) -> None:
    features, sound = TINY.features, np.arange(samples, dtype=np.float32)
    found = list(spans((sound[i : i + block] for i in range(0, samples, block)), TINY))
    frames = 1 + samples // features.hop_samples
    expected = sliding_starts(frames, features.window_frames, timeline_hop(TINY))
    np.testing.assert_array_equal(np.concatenate([span.starts for span in found]), expected)
    for span in found:
        begin = span.first * features.hop_samples
        np.testing.assert_array_equal(span.samples, sound[begin : begin + len(span.samples)])
        first, last = int(span.starts[0]), int(span.starts[-1]) + features.window_frames - 1
        assert span.first == max(first - margin_of(TINY), 0)
        needed = min((last + margin_of(TINY)) * features.hop_samples, samples)
        assert begin + len(span.samples) >= needed


def test_no_more_is_in_memory_than_a_span_and_a_block_however_long_it_lasts() -> None:
    block = 5 * RATE_HZ
    window_s = TINY.features.window_frames * TINY.features.hop_samples / RATE_HZ

    def day() -> Iterator[np.ndarray]:
        for _ in range(2000):
            yield np.zeros(block, np.float32)

    longest = max(len(span.samples) for span in spans(day(), TINY))
    assert longest <= (WINDOWS_AT_ONCE + window_s + 2) * RATE_HZ + block


@pytest.fixture(scope="module")
def scorer(exported_file: Path) -> Scorer:
    return Scorer.load(exported_file)


@pytest.mark.parametrize(("rate_hz", "channels"), [(16_000, 1), (48_000, 2)])
def test_a_long_file_scores_as_its_samples_do_in_one_piece(
    rate_hz: int, channels: int, scorer: Scorer, detector: Detector, tmp_path: Path
) -> None:
    path = tmp_path / "long.wav"
    sf.write(path, noise(150 * rate_hz * channels).reshape(-1, channels), rate_hz)
    samples = read_clip(path)
    for each in (scorer, detector):
        whole = each.parts(samples)  # type: ignore[attr-defined]
        (found,) = each.score([path])  # type: ignore[attr-defined]
        assert [window.start_s for window in found.windows] == whole.start_s.tolist()
        distances = [window.distance for window in found.windows]
        np.testing.assert_allclose(distances, whole.distances, rtol=1e-4)


def test_of_a_long_file_no_more_than_a_block_is_decoded_before_it_is_scored(
    scorer: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "long.wav"
    sf.write(path, noise(400 * RATE_HZ), RATE_HZ)
    read, before_first = 0, []
    plain, judging = sf.SoundFile.read, Scorer.parts_of_span

    def counted(self: sf.SoundFile, frames: int = -1, **options: object) -> np.ndarray:
        nonlocal read
        block = plain(self, frames, **options)
        read += len(block)
        return block

    def parts(self: Scorer, span):  # type: ignore[no-untyped-def]
        before_first.append(read)
        assert len(span.samples) < 80 * RATE_HZ
        return judging(self, span)

    monkeypatch.setattr(sf.SoundFile, "read", counted)
    monkeypatch.setattr(Scorer, "parts_of_span", parts)
    scorer.score([path])
    assert before_first[0] < 140 * RATE_HZ
    assert before_first[-1] == 400 * RATE_HZ


def test_of_a_long_file_the_windows_that_are_unfit_are_left_out(
    scorer: Scorer, tmp_path: Path
) -> None:
    sound = noise(100 * RATE_HZ)
    sound[40 * RATE_HZ : 44 * RATE_HZ] = 0
    sf.write(tmp_path / "long.wav", sound, RATE_HZ, subtype="FLOAT")
    (of_file,) = scorer.score([tmp_path / "long.wav"])
    (of_samples,) = scorer.score([sound])
    assert of_file.remark == of_samples.remark
    assert "windows are left out: silent for 4 s" in (of_file.remark or "")
    assert of_file.score == pytest.approx(of_samples.score, rel=1e-4)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_a_long_recording_is_judged_as_if_it_were_kept(
    rate_hz: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = noise(90 * rate_hz)
    sound[30 * rate_hz : 35 * rate_hz] = 0
    sf.write(tmp_path / "long.wav", sound, rate_hz)
    kept = hear(tmp_path / "long.wav", Audio()).judgement
    monkeypatch.setattr(hearing_module, "hear", None)
    told = judge(tmp_path / "long.wav", Audio())
    assert told.pieces == kept.pieces
    assert told.traits.level_dbfs == pytest.approx(kept.traits.level_dbfs, abs=0.5)


def test_a_header_that_states_no_length_takes_no_memory_for_it(
    scorer: Scorer, detector: Detector, tmp_path: Path
) -> None:
    sf.write(tmp_path / "piped.flac", noise(40 * RATE_HZ), RATE_HZ)
    file = bytearray((tmp_path / "piped.flac").read_bytes())
    file[21] &= 0xF0  # the upper bits of the count of samples, and the lower 32
    file[22:26] = bytes(4)
    (tmp_path / "piped.flac").write_bytes(file)
    for each in (scorer, detector):
        (said,) = each.score_each([tmp_path / "piped.flac"])  # type: ignore[attr-defined]
        assert "its header states no length" in said.reason
    with pytest.raises(ClipError, match="its header states no length"):
        judge(tmp_path / "piped.flac", Audio())
