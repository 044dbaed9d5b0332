"""A month of stored sound is gone through a day at a time, once for all heads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from rattle.scoring.budget.rule import AlarmRule
from rattle.scoring.clip import Mix
from rattle.scoring.head import Head
from rattle.scoring.score import Scale
from rattle.station.learn.replay import Kept, Voice, replay
from rattle.station.records import Embeddings
from rattle.station.store import embedding_files

UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)


def voice(at: float) -> Voice:
    centres = np.full((1, 4), at, np.float32)
    return Voice(Head(None, None, centres, "mean"), Mix(1.0, Scale(0.0, 1.0)))


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Three minutes on each of three days, and a minute by another encoder."""
    rng = np.random.default_rng(0)
    for day in (1, 2, 30):
        ends = (UNTIL - timedelta(days=day)).timestamp() + np.arange(180.0)
        z = rng.normal(size=(180, 4)).astype(np.float16)
        embedding_files.append(tmp_path, Embeddings("s", "encoder", ends, z))
    ends = (UNTIL - timedelta(hours=5)).timestamp() + np.arange(60.0)
    embedding_files.append(tmp_path, Embeddings("s", "other", ends, np.ones((60, 4), np.float16)))
    return Kept(tmp_path, "s", "encoder", UNTIL)


def test_it_is_gone_through_again_and_holds_four_weeks_of_its_encoder(kept: Kept) -> None:
    for _ in range(2):
        pieces = list(kept)
        assert {piece.encoder for piece in pieces} == {"encoder"}
        assert sum(len(piece.ends) for piece in pieces) == 360
        assert all(np.diff(np.concatenate([piece.ends for piece in pieces])) > 0)


def test_heads_that_hear_it_together_hear_what_each_hears_alone(kept: Kept) -> None:
    rule, voices = AlarmRule(3, 5), [voice(0.0), voice(1.0)]
    together = replay(kept, voices, 1.0, rule)
    for each, by in zip(voices, together, strict=True):
        (alone,) = replay(kept, [each], 1.0, rule)
        np.testing.assert_array_equal(by.minutes, alone.minutes)
        assert len(by.minutes) == 6
    assert not np.array_equal(together[0].minutes, together[1].minutes)
