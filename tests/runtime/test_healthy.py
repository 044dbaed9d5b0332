"""Healthy clips to try a detector on: those that it keeps, and recordings that it does not know."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rattle import BundleError, ClipError, DataError, Detector, Machine, Manifest
from rattle.bundle.replay import Replay
from rattle.clips.reading import read_clip
from rattle.runtime.healthy import MOST_CLIPS, fresh_clips, stored_clips

FAN = Machine("synth_fan", "id_00")


def hashes(clips: Manifest, **what: str) -> dict[str, str]:
    return {clip.content_hash: clip.path for clip in clips.of(FAN, **what)}


def test_stored_clips_are_the_held_out_recordings_to_half_precision(
    fleet: dict[Machine, Detector], clips: Manifest
) -> None:
    detector = fleet[FAN]
    sounds = stored_clips(detector)
    assert len(sounds) == len(detector.replay.held_out) > 0
    paths = hashes(clips)
    for hash_, sound in zip(detector.replay.held_out, sounds, strict=True):
        recorded = read_clip(Path(paths[hash_]))
        assert sound.dtype == np.float32
        assert sound.shape == recorded.shape
        assert np.abs(sound - recorded).max() < 1e-3 * np.abs(recorded).max()
        assert hash_ not in detector.info.provenance.trained


def test_stored_clips_are_scored_as_the_recordings_were(
    fleet: dict[Machine, Detector], clips: Manifest
) -> None:
    detector = fleet[FAN]
    paths = hashes(clips)
    recorded = detector.score([paths[hash_] for hash_ in detector.replay.held_out])
    again = detector.score(stored_clips(detector))
    assert [c.score for c in again] == pytest.approx([c.score for c in recorded], abs=5e-3)


def test_a_clip_that_fills_its_last_row_is_whole_and_silence_is_no_error(
    fleet: dict[Machine, Detector],
) -> None:
    detector = fleet[FAN]
    settings = detector.recipe.features
    rows = np.ones((3, settings.mel_bands + settings.hop_samples), np.float32)
    silent = np.zeros_like(rows)
    replay = Replay(held_out={"a": rows, "b": silent})
    whole, nothing = stored_clips(replace(detector, replay=replay))
    assert len(whole) == 3 * settings.hop_samples
    assert len(nothing) == 1


def test_a_bundle_that_keeps_no_sound_says_what_to_give(
    detector: Detector, fleet: dict[Machine, Detector]
) -> None:
    for without in (detector, replace(fleet[FAN], replay=Replay())):
        with pytest.raises(BundleError, match=r"keeps no healthy sound .* give healthy recordings"):
            stored_clips(without)


def test_recordings_that_it_learnt_from_are_left_out_wherever_they_lie(
    detector: Detector, clips: Manifest, tmp_path: Path
) -> None:
    origin, paths = detector.info.provenance, hashes(clips)
    unknown = next(iter(hashes(clips, split="test", label="normal").values()))
    shutil.copy(paths[origin.trained[0]], tmp_path / "moved.wav")
    shutil.copy(paths[origin.held_out[0]], tmp_path / "held-out.wav")
    shutil.copy(unknown, tmp_path / "new.wav")
    fresh = fresh_clips(detector.info, [tmp_path])
    assert [path.name for path in fresh.paths] == ["held-out.wav", "new.wav"]
    assert fresh.learnt == 1


def test_where_it_knows_all_of_them_nothing_is_left(detector: Detector, clips: Manifest) -> None:
    paths = hashes(clips)
    known = [Path(paths[hash_]) for hash_ in detector.info.provenance.trained[:3]]
    with pytest.raises(DataError, match=r"has learnt from every recording given \(3\)"):
        fresh_clips(detector.info, known)


def test_of_many_recordings_some_are_taken_evenly_spread(
    detector: Detector, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    for number in range(2 * MOST_CLIPS):
        sf.write(tmp_path / f"{number:02}.wav", 0.1 * rng.standard_normal(800), 16_000)
    names = [path.name for path in fresh_clips(detector.info, [tmp_path]).paths]
    assert len(names) == MOST_CLIPS
    assert names == sorted(names)
    assert (names[0], names[-1]) == ("00.wav", "47.wav")


def test_what_cannot_be_opened_is_an_error(detector: Detector, tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    with pytest.raises(ClipError, match=r"broken\.wav"):
        fresh_clips(detector.info, [tmp_path])
