"""Whether the sound of an incident is stored: labels of none are no labels."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from rattle.station.learn.incidents import Stood
from rattle.station.learn.labels import is_not_stored_yet
from rattle.station.records import Embeddings
from rattle.station.store import embedding_files

OPENED = datetime(2026, 11, 2, 10, 0, 5, tzinfo=UTC)
INCIDENT = Stood(
    id="incident",
    source_id="s",
    release_id=None,
    level="alarm",
    opened=OPENED,
    ended=OPENED + timedelta(minutes=1),
    threshold=None,
    verdict="anomaly",
    fault=None,
)


def store(folder: Path, *, seconds_after: float) -> None:
    ends = np.array([OPENED.timestamp() + seconds_after])
    z = np.zeros((1, 4), np.float16)
    embedding_files.append(folder, Embeddings("s", "encoder", ends, z))


@pytest.mark.parametrize(("seconds_later", "expected"), [(10, True), (90, True), (121, False)])
def test_it_is_awaited_for_two_minutes(tmp_path: Path, seconds_later: int, expected: bool) -> None:
    now = OPENED + timedelta(seconds=seconds_later)
    assert is_not_stored_yet(tmp_path, INCIDENT, now) is expected


@pytest.mark.parametrize(("seconds_after", "expected"), [(-6, True), (0, False), (50, False)])
def test_the_minute_before_it_began_is_not_its_sound(
    tmp_path: Path, seconds_after: float, expected: bool
) -> None:
    store(tmp_path, seconds_after=seconds_after)
    assert is_not_stored_yet(tmp_path, INCIDENT, OPENED + timedelta(seconds=20)) is expected
