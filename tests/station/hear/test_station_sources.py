"""What plant.toml names becomes a source; nothing is opened before it is heard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from rattle import SourceError
from rattle.listening.backlog import blocks_of
from rattle.station.config.model import Source
from rattle.station.hear.folder import WatchedFolder
from rattle.station.hear.push import PushInbox
from rattle.station.hear.sources import Later, source_of


def made(tmp_path: Path, **values: Any) -> Any:
    return source_of(Source.model_validate({"name": "mic 1", **values}), 0, tmp_path)


def test_each_kind_is_a_source_of_its_own(tmp_path: Path) -> None:
    assert isinstance(made(tmp_path, push={"token": "x"}), PushInbox)
    assert isinstance(made(tmp_path, folder=str(tmp_path)), WatchedFolder)
    assert isinstance(made(tmp_path, url="rtsp://camera/1"), Later)
    assert isinstance(made(tmp_path, device="USB"), Later)


@pytest.mark.parametrize(
    ("url", "is_live"), [("rtsp://camera/1", True), ("clip.wav", False), ("file:///a.wav", False)]
)
def test_a_url_is_live_and_a_file_ends(url: str, is_live: bool, tmp_path: Path) -> None:
    assert made(tmp_path, url=url).live == is_live


def test_its_name_holds_no_password(tmp_path: Path) -> None:
    source = made(tmp_path, url="rtsp://user:secret@camera/1?pwd=secret")
    assert "secret" not in source.name


def test_a_file_that_is_not_there_is_said_when_it_is_connected(tmp_path: Path) -> None:
    source = made(tmp_path, url=str(tmp_path / "clip.wav"))
    with pytest.raises(SourceError, match=r"there is no file .*clip\.wav"):
        source.connect()
    sf.write(tmp_path / "clip.wav", np.full(800, 0.1), 8000)
    assert sum(block.seconds for block in blocks_of(source)) == pytest.approx(0.1)


def test_folders_of_two_sources_have_memories_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    sf.write(tmp_path / "in" / "a.wav", np.full(800, 0.1), 8000)
    for name in ("mic 1", "mic/2"):
        folder = Source.model_construct(name=name, folder=tmp_path / "in")
        source: Any = source_of(folder, 0, tmp_path / "data")
        source._clock = lambda: 4e9
        assert list(source.connect().blocks())
    assert len(list((tmp_path / "data" / "heard").iterdir())) == 2
