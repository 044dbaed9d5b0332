"""Long recordings of healthy sound become clips by one rule, which can be told in a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from rattle.clips.clip import Clip
from rattle.clips.cut_manifest import cut_outliers, cut_to_train
from rattle.clips.cutting import MOST_CLIPS, clip_seconds, cut_as_known, cuts_in, excerpts, told
from rattle.clips.excerpt import Excerpt, excerpt_hash, excerpt_of, recording_of
from rattle.clips.manifest import Manifest
from rattle.clips.reading import read_clip
from rattle.errors import ClipError
from rattle.recipe import Recipe

RATE_HZ = 16_000
FLEET = Recipe.load("fleet")


def recording(seconds: float, name: str = "rec", **fields: object) -> Clip:
    clip = Clip(
        path=f"/plant/{name}.wav",
        source_set="site",
        machine_type="press",
        machine_id="",
        split="train",
        label="normal",
        domain="",
        attributes="",
        channels=1,
        sample_rate_hz=RATE_HZ,
        frames=round(seconds * RATE_HZ),
        content_hash=name,
    )
    return replace(clip, **fields)  # type: ignore[arg-type]


def cut(*clips: Clip, **options: object) -> list[Clip]:
    return list(cut_to_train(Manifest.from_clips(clips), FLEET, **options))  # type: ignore[arg-type]


def test_an_hour_is_cut_into_240_clips_of_ten_seconds_and_said_so() -> None:
    clips = cut(recording(3600))
    assert len(clips) == 240
    assert {clip.seconds for clip in clips} == {10.0}
    assert told(cuts_in(clips)) == [
        "/plant/rec.wav: 60 min, cut into 240 clips of 10 s, one every 15 s"
    ]


def test_a_recording_of_three_clips_stays_whole_and_a_longer_one_does_not() -> None:
    assert cut(recording(30)) == [recording(30)]
    assert len(cut(recording(30.1))) == 2


@given(seconds=st.floats(30.1, 20_000), rate_hz=st.sampled_from([8000, 16_000, 44_100]))
def test_clips_are_spread_over_the_whole_recording_with_a_gap_between_them(
    seconds: float, rate_hz: int
) -> None:
    whole = recording(seconds, frames=round(seconds * rate_hz), sample_rate_hz=rate_hz)
    places = excerpts(whole, FLEET)
    assert 2 <= len(places) <= MOST_CLIPS
    assert places[0].start_frame == 0
    assert places[-1].start_frame + places[-1].frames == whole.frames
    ends = np.array([place.start_frame + place.frames for place in places])
    gaps = np.array([place.start_frame for place in places])[1:] - ends[:-1]
    assert gaps.min() >= 2 * rate_hz - 1
    assert np.ptp(gaps) <= 1


def test_a_clip_is_a_fifth_longer_than_a_long_window() -> None:
    slow = FLEET.with_values(audio={"sample_rate_hz": 4000})
    assert clip_seconds(FLEET) == 10
    assert clip_seconds(slow) == 40


def test_a_header_that_states_no_length_is_left_to_reading() -> None:
    endless = recording(1, frames=2**63 - 1)
    assert cut(endless) == [endless]


def test_only_training_normals_are_cut_and_of_outliers_every_normal() -> None:
    others = [
        recording(60, "anomaly", label="anomaly"),
        recording(60, "test", split="test"),
        recording(60, "train"),
        recording(9, "short"),
    ]
    parts = cut(*others)
    assert [clip.path for clip in parts if clip.excerpt] == ["/plant/train.wav"] * 5
    assert {clip.content_hash for clip in parts if not clip.excerpt} == {"anomaly", "test", "short"}
    outliers = cut_outliers(Manifest.from_clips(others), FLEET)
    assert {recording_of(hash_) for hash_ in outliers.hashes()} == {"test", "train", "short"}
    assert sum(clip.excerpt is not None for clip in outliers) == 10


def test_what_was_learnt_from_whole_stays_whole() -> None:
    assert cut(recording(60), whole={"rec"}) == [recording(60)]


def test_cutting_what_is_cut_changes_nothing() -> None:
    once = Manifest.from_clips(cut(recording(600), recording(9, "short")))
    assert cut_to_train(once, FLEET).table.equals(once.table)


def test_excerpts_that_are_known_are_cut_again_whatever_the_rule_is() -> None:
    places = [Excerpt(16_000, 5000), Excerpt(0, 4000)]
    known = [*(excerpt_hash("rec", place) for place in places), "short", "other@0+10"]
    clips = cut_as_known([recording(20), recording(9, "short")], known)
    assert [(clip.content_hash, clip.excerpt) for clip in clips] == [
        ("rec@0+4000", Excerpt(0, 4000)),
        ("rec@16000+5000", Excerpt(16_000, 5000)),
        ("short", None),
    ]


@pytest.mark.parametrize("hash_", ["5f2a", "5f2a@", "5f2a@x+1", "5f2a@1+y", ""])
def test_what_names_no_place_is_no_excerpt(hash_: str) -> None:
    assert excerpt_of(hash_) is None


def test_of_many_long_recordings_a_few_are_named_and_the_rest_is_counted() -> None:
    lines = told(cuts_in(cut(*(recording(60, f"rec{n}") for n in range(9)))))
    assert len(lines) == 4
    assert lines[-1] == "and 6 more long recordings, cut into 30 clips"


def test_a_clip_tells_where_in_its_recording_it_is() -> None:
    assert [clip.name for clip in cut(recording(40))] == [
        "/plant/rec.wav from 0.0 s",
        "/plant/rec.wav from 15.0 s",
        "/plant/rec.wav from 30.0 s",
    ]
    assert recording(9).name == "/plant/rec.wav"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.wav", {}),
        ("a.wav", {"subtype": "MS_ADPCM"}),
        ("a.flac", {}),
        ("a.mp3", {}),
        ("a.ogg", {}),
        ("a.opus", {"format": "OGG", "subtype": "OPUS"}),
        ("a.aiff", {}),
    ],
)
def test_an_excerpt_is_the_same_sound_as_in_the_whole_recording(
    name: str, options: dict[str, str], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    sound = 0.1 * rng.standard_normal(30 * RATE_HZ)
    with sf.SoundFile(tmp_path / name, "w", RATE_HZ, 1, **options) as file:
        for block in np.split(sound, 30):  # libsndfile's Vorbis writes no more at a time
            file.write(block)
    whole = read_clip(tmp_path / name)
    for start in (0, 12_345, 20 * RATE_HZ):
        part = read_clip(tmp_path / name, excerpt=Excerpt(start, 9 * RATE_HZ))
        # Opus is predicted from further back than a decoder goes.
        np.testing.assert_allclose(part, whole[start : start + 9 * RATE_HZ], atol=1e-4)


def test_of_an_excerpt_no_more_is_decoded_than_it_holds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sf.write(tmp_path / "a.wav", np.full(60 * RATE_HZ, 0.1), RATE_HZ)
    read: list[int] = []
    plain = sf.SoundFile.read

    def counted(self: sf.SoundFile, frames: int = -1, **options: object) -> np.ndarray:
        block = plain(self, frames, **options)
        read.append(len(block))
        return block

    monkeypatch.setattr(sf.SoundFile, "read", counted)
    assert len(read_clip(tmp_path / "a.wav", excerpt=Excerpt(50 * RATE_HZ, 4000))) == 4000
    assert sum(read) == 4000


@pytest.mark.parametrize("start_s", [7, 20])
def test_an_excerpt_beyond_the_end_of_its_file_is_refused(start_s: int, tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", np.full(10 * RATE_HZ, 0.1), RATE_HZ)
    with pytest.raises(ClipError, match=r"a\.wav: .*(ends at frame 160000|no frame 320000)"):
        read_clip(tmp_path / "a.wav", excerpt=Excerpt(start_s * RATE_HZ, 5 * RATE_HZ))


def test_a_recording_that_is_cut_short_is_refused_by_its_first_excerpt_too(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    sf.write(file, np.full(60 * RATE_HZ, 0.1), RATE_HZ)
    file.write_bytes(file.read_bytes()[: 40 * RATE_HZ * 2])
    with pytest.raises(ClipError, match="cut short"):
        read_clip(file, excerpt=Excerpt(0, 10 * RATE_HZ))
