"""Kept pieces tell two encoders apart, and no rate of alarms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from rattle.errors import DataError
from rattle.scoring.budget.ledger import Verdict
from rattle.scoring.budget.rule import AlarmRule
from rattle.scoring.clip import Mix
from rattle.scoring.head import Head
from rattle.scoring.score import Scale
from rattle.station.learn.encoder import tried_encoder
from rattle.station.learn.gate import Gate, Source, left_out
from rattle.station.learn.incidents import Stood
from rattle.station.learn.moved import healthy_scores, heard_anew
from rattle.station.learn.pieces import (
    HeardPiece,
    judged_by,
    read_heard,
    read_made,
    write_heard,
)
from rattle.station.learn.replay import Replayed, Voice

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
RULE = AlarmRule(3, 5)
# d is the distance to 0, and the score: z of one number says what a window scores.
VOICE = Voice(Head(None, None, np.zeros((1, 1), np.float32), "mean"), Mix(1.0, Scale(0.0, 1.0)))


def z(scores: np.ndarray) -> np.ndarray:
    return np.sqrt(np.asarray(scores, dtype=np.float64))[:, None].astype(np.float16)


def piece(minute: float, old: list[float], new: list[float], of: str | None = None) -> HeardPiece:
    ends = (BEGIN + timedelta(minutes=minute)).timestamp() + 9.0 + np.arange(len(old))
    return HeardPiece("s", of, ends, z(np.array(old)), z(np.array(new)))


def stood(number: int, minute: float, verdict: Verdict, *, lasts_s: float = 60.0) -> Stood:
    opened = BEGIN + timedelta(minutes=minute)
    ended = opened + timedelta(seconds=lasts_s)
    return Stood(f"incident {number}", "s", None, "alarm", opened, ended, None, verdict, None)


def kept(days: float, seed: int = 0) -> list[HeardPiece]:
    rng = np.random.default_rng(seed)
    values = rng.gamma(4.0, 0.05, size=(round(days * 144), 2))
    return [piece(10 * at + 3, [*each], [*each]) for at, each in enumerate(values)]


def test_m_of_a_piece_is_the_lowest_of_its_windows_and_recordings_are_cut_alike() -> None:
    heard = [
        piece(0, [1.0, 2.0], [1.0, 2.0]),
        piece(10, [4.0, 1.0], [4.0, 1.0]),
        piece(12, [1.0, 3.0, 6.0, 5.0, 9.0], [1.0, 3.0, 6.0, 5.0, 9.0], "incident"),
    ]
    found = judged_by(heard, "s", VOICE, RULE, is_new=False)
    np.testing.assert_allclose(found.minutes, [1.0, 1.0, 1.0, 5.0], atol=0.02)
    assert found.picked is not None
    assert found.picked.tolist() == [False, False, True, True]
    assert found.heard_minutes == 20
    assert judged_by(heard, "another", VOICE, RULE, is_new=False).heard_minutes == 0


def test_of_three_windows_or_more_it_is_the_third_largest() -> None:
    heard = [piece(0, [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0])]
    found = judged_by(heard, "s", VOICE, RULE, is_new=True)
    np.testing.assert_allclose(found.minutes, [2.0], atol=0.02)


def test_pieces_near_what_may_be_a_fault_and_recordings_make_no_threshold() -> None:
    heard = [*kept(1), piece(45, [30.0] * 4, [30.0] * 4, "incident 0")]
    by = judged_by(heard, "s", VOICE, RULE, is_new=False)
    out = left_out(Source("s", by, [stood(0, 45, "anomaly")], 1.0))
    minutes = (by.ends[out] - BEGIN.timestamp()) / 60
    assert len(minutes) == 2 + 2  # the recording's, and a piece on either side
    assert minutes.min() > 30
    assert minutes.max() < 60


def tried(new_faults: float, days: float = 3.0, *, is_test: bool = True) -> Gate:
    """A gate of three faults that the old encoder scores 30."""
    faults = [stood(number, 500 + 700 * number, "anomaly") for number in range(3)]
    heard = [
        *kept(days),
        *(
            piece(500 + 700 * number, [30.0] * 8, [new_faults] * 8, each.id)
            for number, each in enumerate(faults)
        ),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rattle.station.learn.incidents.TEST_SHARE", 1 if is_test else 10**12)
        return tried_encoder(heard, faults, ["s"], VOICE, VOICE, RULE, 1.0)


def test_an_encoder_that_finds_the_faults_of_the_test_passes() -> None:
    found = tried(40.0)
    assert (found.state, found.reasons) == ("passed", ())
    assert (found.pieces, found.minutes) == (432, 4320)
    assert found.auc == (1.0, 1.0)


def test_one_that_misses_them_is_refused() -> None:
    found = tried(0.01)
    assert found.state == "refused"
    assert any("was found and would be missed" in each for each in found.reasons)


def test_of_less_than_a_day_and_of_no_fault_in_the_test_nothing_is_shown() -> None:
    short = tried(40.0, days=0.9)
    assert short.state == "not shown"
    assert "21 h 40 min of running are told of by kept sound, of 24 h needed" in short.reasons
    assert tried(40.0, is_test=False).state == "not shown"


def test_the_threshold_is_one_that_so_many_pieces_pass_as_the_budget_allows_incidents() -> None:
    found = tried(40.0, days=28.0)
    assert found.new.expected == pytest.approx(0.7, abs=0.01)
    # 4,032 pieces are four weeks of them.
    assert len(found.new.alarms) <= 12


def test_what_was_heard_is_read_as_it_was_written(tmp_path: Path) -> None:
    heard = [piece(0, [1.0, 2.0], [3.0, 4.0]), piece(5, [1.0], [2.0], "incident")]
    write_heard(tmp_path / "made.npz", heard)
    for each, again in zip(heard, read_heard(tmp_path / "made.npz"), strict=True):
        assert (each.source_id, each.incident_id) == (again.source_id, again.incident_id)
        for name in ("ends", "old", "new"):
            np.testing.assert_array_equal(getattr(each, name), getattr(again, name))
    assert read_heard(tmp_path / "none.npz") == []
    (tmp_path / "half.npz").write_bytes((tmp_path / "made.npz").read_bytes()[:300])
    assert read_heard(tmp_path / "half.npz") == []


ARRAYS = {
    "encoder": np.array("a hash"),
    "names": np.array(["a.flac", "b.flac"]),
    "counts": np.array([1, 2]),
    "ends_s": np.arange(3.0),
    "old": np.ones((3, 4), np.float16),
    "new": np.ones((3, 5), np.float16),
}


def test_what_a_worker_sends_is_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "heard.npz"
    np.savez(path, **ARRAYS)
    made = read_made(path)
    assert made.encoder == "a hash"
    assert [*made.files] == ["a.flac", "b.flac"]
    ends, old, new = made.files["b.flac"]
    assert (ends.tolist(), old.shape, new.shape) == ([1.0, 2.0], (2, 4), (2, 5))


@pytest.mark.parametrize(
    "change",
    [
        {"counts": np.array([1, 1])},
        {"counts": np.array([3, 0])},
        {"old": np.ones((3, 4), np.float64)},
        {"new": np.full((3, 5), np.nan, np.float16)},
        {"ends_s": np.array([0.0, 1.0, np.inf])},
        {"names": np.array([1, 2])},
        {"names": np.array([{}, {}], dtype=object)},
    ],
    ids=str,
)
def test_what_is_none_of_it_is_refused(tmp_path: Path, change: dict[str, np.ndarray]) -> None:
    path = tmp_path / "heard.npz"
    np.savez(path, **{**ARRAYS, **change})
    with pytest.raises(DataError, match="embeddings"):
        read_made(path)


def test_minutes_are_carried_over_and_what_was_heard_anew_counts() -> None:
    ends = BEGIN.timestamp() + 60.0 * (1 + np.arange(60))
    fault = stood(0, 30, "anomaly")
    source = Source("s", Replayed(np.full(60, 1.0), ends), [fault], 1.0)
    heard = [
        piece(10, [1.0, 1.0], [7.0, 8.0]),
        piece(20, [1.0, 1.0], [0.5, 0.5]),
        piece(30, [9.0] * 6, [4.0] * 6, fault.id),
    ]
    moved = heard_anew(source, np.full(60, 5.0), heard, VOICE, RULE).heard.minutes
    assert moved[10] == pytest.approx(7.0, abs=0.02)  # no lower than the piece in it
    assert moved[20] == 5.0
    # The fault is as loud as the new encoder heard it, not as it was carried over.
    assert moved[30] == pytest.approx(4.0, abs=0.02)
    np.testing.assert_array_equal(np.delete(moved, [10, 29, 30, 31]), 5.0)


def test_healthy_sound_is_scored_by_both_without_recordings() -> None:
    heard = [piece(0, [1.0, 2.0], [3.0, 4.0]), piece(5, [9.0], [9.0], "incident")]
    old, new = healthy_scores(heard, VOICE, VOICE)
    np.testing.assert_allclose(old, [1.0, 2.0], atol=0.02)
    np.testing.assert_allclose(new, [3.0, 4.0], atol=0.02)
