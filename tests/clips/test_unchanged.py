"""Clips found again: only those whose file holds what it held."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rattle.clips.labelled import labelled_clips
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.clips.unchanged import unchanged
from rattle.recipe.parts import Audio

PRESS = Machine("press-3", "")


@pytest.fixture
def clips(tmp_path: Path) -> Manifest:
    for number in range(4):
        sf.write(tmp_path / f"{number}.wav", np.full(1000, 0.1 * (number + 1)), 16_000)
    return Manifest.from_clips(labelled_clips([tmp_path], PRESS, "normal", Audio()))


def names(clips: Manifest) -> list[str]:
    return [Path(clip.path).name for clip in clips]


def test_files_that_are_as_they_were_are_all_found(clips: Manifest) -> None:
    assert unchanged(clips).table.equals(clips.table)
    assert len(unchanged(Manifest.from_clips([]))) == 0


def test_what_has_gone_or_changed_is_left_out(clips: Manifest, tmp_path: Path) -> None:
    (tmp_path / "0.wav").unlink()
    data = bytearray((tmp_path / "2.wav").read_bytes())
    data[-1] ^= 1
    (tmp_path / "2.wav").write_bytes(data)
    assert names(unchanged(clips)) == ["1.wav", "3.wav"]


def test_a_file_that_holds_another_clip_now_is_left_out(clips: Manifest, tmp_path: Path) -> None:
    (tmp_path / "0.wav").write_bytes((tmp_path / "1.wav").read_bytes())
    assert names(unchanged(clips)) == ["1.wav", "2.wav", "3.wav"]


@pytest.mark.parametrize(
    "path", ["/dev/zero", "pipe", "folder", "", "\0", "~", "a" * 300], ids=repr
)
def test_paths_that_name_no_file_are_left_out_unread(
    path: str, clips: Manifest, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    where = str(tmp_path / path) if path in ("pipe", "folder") else path
    first, *rest = clips
    odd = Manifest.from_clips([dataclasses.replace(first, path=where), *rest])
    assert names(unchanged(odd)) == ["1.wav", "2.wav", "3.wav"]
