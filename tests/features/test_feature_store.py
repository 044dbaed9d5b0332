"""The feature store: computed once, never stale, never half."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rattle.clips.amplitude import Amplitude
from rattle.clips.layouts import load_manifest
from rattle.clips.manifest import Manifest
from rattle.errors import ClipError, DataError, StorageError
from rattle.features import store as module
from rattle.features.store import FeatureStore, default_folder
from rattle.features.views import views
from rattle.scoring.spectrum import folded, spectra
from rattle.synthetic import detuned

UNIT = Amplitude(0.0, 1.0)
DAY_S = 24 * 3600


@pytest.fixture
def store(tmp_path: Path, audio, features, monkeypatch) -> FeatureStore:
    monkeypatch.setattr(module, "WORKERS", 1)
    return FeatureStore(audio, features, tmp_path / "store")


def entries(store: FeatureStore) -> list[str]:
    return sorted(path.name for path in store.folder.iterdir()) if store.folder.exists() else []


def forbid_reading(store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise AssertionError(f"{path} is decoded again")

    monkeypatch.setattr(store.front_end, "read", refuse)


def test_a_pack_holds_the_log_mels_of_the_clips_in_manifest_order(store, make_clips) -> None:
    clips = make_clips(3)
    statistics = store.amplitude(clips)
    pack = store.pack(clips, statistics)
    assert len(pack) == 3
    for index, clip in enumerate(clips):
        expected = store.front_end.log_mel(store.front_end.read(clip.path), statistics)
        np.testing.assert_array_equal(pack[index], expected)
    for outside in (-1, 3):
        with pytest.raises(IndexError):
            pack[outside]


def test_the_statistics_are_those_of_all_samples(store, make_clips) -> None:
    clips = make_clips(3)
    every = np.concatenate([sf.read(clip.path)[0] for clip in clips])
    found = store.amplitude(clips)
    assert found.mean == pytest.approx(every.mean(), abs=1e-9)
    assert found.deviation == pytest.approx(every.std(), rel=1e-6)


def test_what_was_computed_is_not_computed_again(store, make_clips, monkeypatch) -> None:
    clips = make_clips(3)
    statistics = store.amplitude(clips)
    computed: list[int] = []
    first = store.pack(clips, statistics, lambda: computed.append(1))
    assert len(computed) == 3
    again = FeatureStore(store.audio, store.features, store.folder)
    forbid_reading(again, monkeypatch)
    assert again.amplitude(clips) == statistics
    second = again.pack(clips, statistics, lambda: computed.append(1))
    assert len(computed) == 3
    np.testing.assert_array_equal(first.frames, second.frames)


def test_a_pack_is_mapped_and_cannot_be_written_to(store, make_clips) -> None:
    pack = store.pack(make_clips(1), UNIT)
    assert pack.mapped is not None
    before = pack[0].copy()
    pack.let_go()
    np.testing.assert_array_equal(pack[0], before)
    with pytest.raises(ValueError, match="read-only"):
        pack[0][0, 0] = 1


def test_another_number_of_workers_gives_the_same_bytes(
    tmp_path, audio, features, make_clips, monkeypatch
) -> None:
    clips = make_clips(5)
    packs = []
    for workers in (1, 3):
        monkeypatch.setattr(module, "WORKERS", workers)
        packs.append(FeatureStore(audio, features, tmp_path / str(workers)).pack(clips, UNIT))
    assert packs[0].frames.tobytes() == packs[1].frames.tobytes()


def test_of_two_that_fill_the_same_pack_at_once_both_get_it_whole(store, make_clips) -> None:
    clips = make_clips(3)
    other = FeatureStore(store.audio, store.features, store.folder)
    theirs = []

    def while_filling() -> None:
        # The other one begins and ends in the middle of our first clip.
        if not theirs:
            theirs.append(other.pack(clips, UNIT))

    ours = store.pack(clips, UNIT, while_filling)
    assert len(ours) == 3
    np.testing.assert_array_equal(ours.frames, theirs[0].frames)
    assert len(entries(store)) == 1


def test_a_filler_that_fails_leaves_nothing(store, make_clips, monkeypatch) -> None:
    clips = make_clips(3)
    done = []

    def fail_at_the_second() -> None:
        done.append(1)
        if len(done) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.pack(clips, UNIT, fail_at_the_second)
    assert entries(store) == []
    assert len(store.pack(clips, UNIT)) == 3


def test_a_clip_that_cannot_be_read_is_named_and_leaves_nothing(store, make_clips) -> None:
    clips = make_clips(3)
    broken = Path(clips.table["path"][1])
    broken.write_bytes(broken.read_bytes()[:2000])
    for compute in (lambda: store.pack(clips, UNIT), lambda: store.amplitude(clips)):
        with pytest.raises(ClipError, match=broken.name):
            compute()
    assert entries(store) == []


def test_what_a_killed_filler_left_is_not_read_and_is_removed_after_a_day(
    store, make_clips
) -> None:
    clips = make_clips(2)
    killed, working = store.folder / ".filling-killed", store.folder / ".filling-working"
    for folder in (killed, working):
        folder.mkdir(parents=True)
        (folder / "frames").write_bytes(b"half of it")
    long_ago_s = time.time() - DAY_S - 60
    os.utime(killed, (long_ago_s, long_ago_s))
    assert len(store.pack(clips, UNIT)) == 2
    assert not killed.exists()
    assert (working / "frames").read_bytes() == b"half of it"


@pytest.mark.parametrize("name", ["frames", "starts.npy"])
@pytest.mark.parametrize("left", [0, 100, None])
def test_a_pack_that_a_power_failure_cut_is_computed_again(
    name: str, left: int | None, store, make_clips
) -> None:
    clips = make_clips(2)
    whole = [frames.copy() for frames in store.pack(clips, UNIT)]
    file = store.folder / entries(store)[0] / name
    if left is None:
        file.unlink()
    else:
        os.truncate(file, left)
    for expected, found in zip(whole, store.pack(clips, UNIT), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert len(entries(store)) == 1


def test_a_store_that_cannot_be_written_is_told_by_name(store, make_clips) -> None:
    clips = make_clips(1)
    store.folder.write_text("no folder")
    with pytest.raises(StorageError, match=r"store/log-mel-\w+ cannot be written"):
        store.pack(clips, UNIT)


def test_another_content_is_another_pack(store, make_clips) -> None:
    before = store.pack(make_clips(2, seed=0, folder="a"), UNIT)
    after = store.pack(make_clips(2, seed=1, folder="b"), UNIT)
    assert before.frames.shape == after.frames.shape
    assert not np.allclose(before.frames, after.frames)
    assert len(entries(store)) == 2


def test_a_clip_recorded_again_under_its_name_is_computed_again(store, make_clips) -> None:
    clips = make_clips(1)
    store.pack(clips, UNIT)
    path = Path(clips.table["path"][0])
    sf.write(path, np.zeros(3000), 16000)
    again = store.pack(load_manifest(path.parents[3]), UNIT)
    np.testing.assert_allclose(again.frames, -100, atol=1e-4)


def test_moved_recordings_are_found_again(store, make_clips, monkeypatch, tmp_path) -> None:
    pack = store.pack(make_clips(2), UNIT)
    (tmp_path / "recordings").rename(tmp_path / "archive")
    forbid_reading(store, monkeypatch)
    again = store.pack(load_manifest(tmp_path / "archive"), UNIT)
    np.testing.assert_array_equal(pack.frames, again.frames)


def test_the_order_of_the_clips_is_part_of_a_pack(store, make_clips) -> None:
    clips = make_clips(2)
    reverse = Manifest(clips.table.reverse())
    np.testing.assert_array_equal(store.pack(clips, UNIT)[0], store.pack(reverse, UNIT)[1])


@pytest.mark.parametrize(
    "change",
    [
        {"fft_samples": 512},
        {"hop_samples": 64},
        {"mel_bands": 20},
        {"spectrum": "magnitude"},
        {"floor": 1e-3},
    ],
)
def test_another_front_end_is_another_pack(store, features, make_clips, change) -> None:
    clips = make_clips(1)
    store.pack(clips, UNIT)
    FeatureStore(store.audio, features.model_copy(update=change), store.folder).pack(clips, UNIT)
    assert len(entries(store)) == 2


@pytest.mark.parametrize("change", [{"sample_rate_hz": 8000}, {"channel": "mean"}])
def test_other_audio_has_other_statistics_and_another_pack(store, audio, make_clips, change):
    clips = make_clips(1)
    other = FeatureStore(audio.model_copy(update=change), store.features, store.folder)
    for each in (store, other):
        each.amplitude(clips)
        each.pack(clips, UNIT)
    assert len(entries(store)) == 6


def test_other_statistics_are_another_pack(store, make_clips) -> None:
    clips = make_clips(1)
    one, other = store.pack(clips, UNIT), store.pack(clips, Amplitude(0.0, 0.5))
    # Divided by a half is twice the amplitude.
    np.testing.assert_allclose(other.frames - one.frames, 20 * np.log10(2), atol=1e-3)


def test_the_window_and_whose_statistics_an_outlier_gets_change_no_pack(
    store, audio, features, make_clips, monkeypatch
) -> None:
    clips = make_clips(1)
    store.amplitude(clips)
    store.pack(clips, UNIT)
    other = FeatureStore(
        audio.model_copy(update={"amplitude": "target"}),
        features.model_copy(update={"window_frames": 64}),
        store.folder,
    )
    forbid_reading(other, monkeypatch)
    other.amplitude(clips)
    other.pack(clips, UNIT)
    assert len(entries(store)) == 3


def test_another_version_of_the_front_end_is_another_pack(store, make_clips, monkeypatch) -> None:
    clips = make_clips(1)
    store.pack(clips, UNIT)
    monkeypatch.setattr(module, "PACK_VERSION", module.PACK_VERSION + 1)
    store.pack(clips, UNIT)
    assert len(entries(store)) == 2


def test_no_clips_are_refused(store, make_clips) -> None:
    clips = make_clips(1)
    with pytest.raises(DataError, match="no clips"):
        store.pack(clips.of(split="test"), UNIT)


def test_the_store_is_where_the_environment_says(monkeypatch, tmp_path, audio, features) -> None:
    monkeypatch.setenv("RATTLE_STORE", str(tmp_path / "here"))
    assert FeatureStore(audio, features).folder == tmp_path / "here"
    monkeypatch.delenv("RATTLE_STORE")
    assert default_folder().parts[-2:] == ("rattle", "features")


# Samples beside log-mels


def with_samples(store: FeatureStore) -> FeatureStore:
    return FeatureStore(store.audio, store.features, store.folder, has_samples=True)


def test_a_row_is_a_frames_log_mel_and_the_samples_behind_it_in_half_precision(
    store, make_clips
) -> None:
    clips = make_clips(2)
    alone, together = store.pack(clips, UNIT), with_samples(store).pack(clips, UNIT)
    bands, hop = store.features.mel_bands, store.features.hop_samples
    assert together.frames.dtype == np.float16
    assert together.frames.shape == (len(alone.frames), bands + hop)
    for clip, rows, log_mel in zip(clips, together, alone, strict=True):
        np.testing.assert_array_equal(rows[:, :bands], log_mel.astype(np.float16))
        samples = store.front_end.read(clip.path)
        np.testing.assert_array_equal(
            rows[:, bands:].ravel()[: len(samples)], samples.astype(np.float16)
        )
        assert not rows[:, bands:].ravel()[len(samples) :].any()


def test_a_copy_at_another_speed_is_a_pack_of_its_own(store, make_clips) -> None:
    clips = make_clips(1)
    of = with_samples(store)
    plain, fast = of.pack(clips, UNIT), of.pack(clips, UNIT, speed=1.1)
    assert fast.frames.shape == plain.frames.shape
    assert not np.array_equal(fast.frames, plain.frames)
    samples = store.front_end.read(next(iter(clips)).path)
    rate_hz = store.audio.sample_rate_hz
    changed = detuned(samples, 1.1, sample_rate_hz=rate_hz)
    expected = of.front_end.features(changed, UNIT).astype(np.float16)
    np.testing.assert_array_equal(fast[0], expected)


def test_views_are_the_log_mels_and_the_spectra_of_what_windows_hold(store, make_clips) -> None:
    pack = with_samples(store).pack(make_clips(2), UNIT)
    bands = store.features.mel_bands
    windows = np.stack([pack[0][2:6], pack[1][1:5]])
    log_mels, seen = views(windows, bands, 4)
    np.testing.assert_array_equal(log_mels, windows[..., :bands].astype(np.float32))
    samples = windows[..., bands:].astype(np.float32).reshape(2, -1)
    np.testing.assert_allclose(seen, spectra(samples), rtol=1e-4, atol=1e-5)
    _, of_half = views(windows, bands, 2)
    np.testing.assert_allclose(of_half, spectra(folded(samples, samples.shape[1] // 2)), rtol=1e-4)
    (alone,) = views(windows[..., :bands].astype(np.float32), bands, 4)
    np.testing.assert_array_equal(alone, log_mels)
