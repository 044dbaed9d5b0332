"""Substitute outliers: made once, of the normals given, and unlike them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rattle.clips.layouts import load_manifest
from rattle.clips.manifest import Manifest
from rattle.errors import StorageError
from rattle.learning import substitutes
from rattle.learning.substitutes import substitute_clips
from rattle.recipe.parts import Audio

AUDIO = Audio(sample_rate_hz=8000)


@pytest.fixture(autouse=True)
def few_and_short(monkeypatch) -> None:
    """Four transformed clips and a factory of one clip a machine, the latter of a second."""
    monkeypatch.setattr(substitutes, "TRANSFORMED_CLIPS", 4)
    monkeypatch.setattr(substitutes, "FACTORY_CLIPS", 1)
    monkeypatch.setattr(substitutes, "FACTORY_IDS", 1)
    plain = substitutes.write_factory
    monkeypatch.setattr(
        substitutes, "write_factory", lambda *given, **named: plain(*given, seconds=1.0, **named)
    )


@pytest.fixture
def normals(tmp_path: Path) -> Manifest:
    """Three clips of one machine that recorded at 16 kHz."""
    train = tmp_path / "press" / "train"
    train.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(3):
        sf.write(train / f"{number}.wav", 0.1 * rng.standard_normal(8000), 16000)
    return load_manifest(tmp_path / "press")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_they_are_transformed_normals_and_synthetic_machines(normals, folder) -> None:
    made = substitute_clips(normals, AUDIO, folder)
    transformed = [clip for clip in made if "/transformed/" in clip.path]
    synthetic = [clip for clip in made if "/synthetic/" in clip.path]
    assert len(transformed) == 4
    assert len(synthetic) == 4  # one clip of one machine of each of four types
    assert {(clip.split, clip.label) for clip in made} == {("train", "normal")}
    assert {clip.sample_rate_hz for clip in made} == {8000}
    # The first three are of one clip each, the fourth of the first again, each in its own way.
    assert len({clip.content_hash for clip in made}) == 8
    assert [clip.frames for clip in transformed] == [4000] * 4


def test_the_machines_own_recordings_are_not_among_them(normals, folder) -> None:
    made = substitute_clips(normals, AUDIO, folder)
    assert not set(made.table["content_hash"]) & set(normals.table["content_hash"])
    assert not set(made.table["path"]) & set(normals.table["path"])
    first, *_ = (
        sf.read(clip.path)[0] for clip in made if clip.path.endswith("transformed/train/0000.wav")
    )
    original = sf.read(normals.table["path"][0])[0][::2]
    assert abs(np.corrcoef(first, original)[0, 1]) < 0.5


def test_they_are_made_once(normals, folder, monkeypatch) -> None:
    first = substitute_clips(normals, AUDIO, folder)
    monkeypatch.setattr(substitutes, "transform", None)
    again = substitute_clips(normals, AUDIO, folder)
    assert again.table.equals(first.table)


def test_the_same_normals_give_the_same_substitutes_anywhere(normals, tmp_path) -> None:
    one, other = (substitute_clips(normals, AUDIO, tmp_path / name) for name in ("a", "b"))
    assert one.table["content_hash"].to_list() == other.table["content_hash"].to_list()


def test_other_normals_or_another_rate_give_other_substitutes(normals, folder) -> None:
    substitute_clips(normals, AUDIO, folder)
    substitute_clips(Manifest(normals.table.head(2)), AUDIO, folder)
    substitute_clips(normals, Audio(sample_rate_hz=4000), folder)
    assert len(list(folder.iterdir())) == 3


def test_of_two_that_make_them_at_once_both_get_them(normals, folder, monkeypatch) -> None:
    plain, theirs = substitutes.write_factory, []

    def while_making(*given, **named) -> None:
        if not theirs:
            theirs.append(None)
            theirs[0] = substitute_clips(normals, AUDIO, folder)
        plain(*given, **named)

    monkeypatch.setattr(substitutes, "write_factory", while_making)
    ours = substitute_clips(normals, AUDIO, folder)
    assert ours.table.equals(theirs[0].table)
    assert len(list(folder.iterdir())) == 1


def test_a_maker_that_fails_leaves_nothing(normals, folder, monkeypatch) -> None:
    def fail(*_given, **_named) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(substitutes, "write_factory", fail)
    with pytest.raises(StorageError, match="no space left"):
        substitute_clips(normals, AUDIO, folder)
    assert list(folder.iterdir()) == []
