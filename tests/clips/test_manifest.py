"""Which clips of a manifest are selected."""

from __future__ import annotations

import dataclasses

import pytest

from rattle.clips.clip import Clip
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.errors import DataError

CLIP = Clip("/data/a.wav", "site", "press-3", "", "train", "normal", "", "", 1, 16000, 5, "0" * 64)


def test_a_machine_and_all_others_are_the_whole_manifest() -> None:
    others = [
        dataclasses.replace(CLIP, path="b", machine_id="id_00"),
        dataclasses.replace(CLIP, path="c", machine_type="fan"),
    ]
    clips = Manifest.from_clips([CLIP, *others])
    assert list(clips.of(Machine("press-3", ""))) == [CLIP]
    assert list(clips.without(Machine("press-3", ""))) == others


def test_clips_of_known_contents_are_left_out_wherever_they_lie() -> None:
    copy = dataclasses.replace(CLIP, path="/elsewhere/a.wav")
    other = dataclasses.replace(CLIP, path="/data/b.wav", content_hash="1" * 64)
    clips = Manifest.from_clips([CLIP, copy, other])
    assert list(clips.without_content([CLIP.content_hash])) == [other]
    assert list(clips.without_content([])) == list(clips)


def test_a_machine_without_clips_is_refused_by_the_names_of_those_with_clips() -> None:
    clips = Manifest.from_clips([CLIP, dataclasses.replace(CLIP, path="b", machine_id="id_00")])
    assert list(clips.require(Machine("press-3", ""))) == [CLIP]
    for select in (clips.require, clips.outliers_for):
        with pytest.raises(DataError, match=r"no clip of machine fan; .*: press-3, press-3/id_00$"):
            select(Machine("fan", ""))
    with pytest.raises(DataError, match="at hand are: none"):
        Manifest.from_clips([]).require(Machine("fan", ""))
