"""``rattle listen`` within a budget: stages, state file, alarms in words."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from here import needs_ffmpeg
from rattle import StorageError
from rattle.listening.recording import recording_blocks
from rattle.listening.saving import Saving
from rattle.listening.source import Block
from rattle.listening.state import read_state, write_state
from rattle.locked import locked
from rattle.runtime import Scorer
from rattle.scoring.budget.judge import Judge
from rattle.scoring.budget.ledger import Account, Ledger
from rattle.scoring.budget.rule import AlarmRule

pytestmark = needs_ffmpeg
RATE_HZ = 16000
RULE = AlarmRule(2, 3)


@pytest.fixture
def shift(exported_file: Path, tmp_path: Path) -> Path:
    """Eighty seconds of noise, which the bundle's machine never made."""
    path = tmp_path / "shift.wav"
    rng = np.random.default_rng(0)
    sf.write(path, rng.normal(0, 0.1, 80 * RATE_HZ).clip(-1, 1), RATE_HZ)
    return path


def state_of(bundle: Path, path: Path, level: float, days: float = 1.4) -> Path:
    """A state file of minutes about this level, so that its threshold is a little above."""
    ledger = Ledger(1.0)
    for minute in level + np.random.default_rng(0).gumbel(0, 1e-3, size=round(days * 1440)):
        ledger.minute(float(minute))
    scorer = Scorer.load(bundle)
    write_state(
        path,
        ledger.account(),
        1.0,
        machine=scorer.info.machine,
        bundle=scorer.identity,
        rule=RULE,
    )
    return path


def stored(bundle: Path, path: Path) -> Account:
    found = read_state(path, bundle=Scorer.load(bundle).identity)
    assert found is not None
    return found.account


def test_nothing_is_raised_while_learning_and_it_says_so(
    rattle: Any, exported_file: Path, shift: Path
) -> None:
    ran = rattle("listen", exported_file, "--url", shift)
    assert ran.code == 0
    assert "ALARM" not in ran.out
    assert "learning: no alarm is raised until 2 h more of running were heard" in ran.err
    assert "ANOMALOUS is by the threshold of clips" in ran.err
    assert "what is learnt is forgotten at the end (--state FILE keeps it)" in ran.err
    rows = [
        json.loads(line)
        for line in rattle("listen", exported_file, "--url", shift, "--json")[1].splitlines()
    ]
    threshold = Scorer.load(exported_file).threshold.value
    assert {(row["stage"], row["level"], row["alarm"]) for row in rows} == {
        ("learning", None, False)
    }
    assert all(row["anomalous"] == (row["score"] > threshold) for row in rows)


def test_what_is_learnt_is_there_the_next_time(
    rattle: Any, exported_file: Path, shift: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    for _ in range(2):
        assert rattle("listen", exported_file, "--url", shift, "--state", state).code == 0
    # Of each run the minute that is not whole is not kept.
    assert stored(exported_file, state).heard == 2


def test_an_alarm_says_how_often_a_healthy_machine_raises_one(
    rattle: Any, exported_file: Path, shift: Path, tmp_path: Path
) -> None:
    state = state_of(exported_file, tmp_path / "state.json", -50.0)
    words = ["listen", exported_file, "--url", shift, "--alarm", "2/3", "--state", state]
    before = state.read_bytes()
    ran = rattle(*words)
    assert "provisional: 1.4 days heard; alarm above -49.9" in ran.err
    (line,) = [line for line in ran.out.splitlines() if "ALARM" in line]
    assert "ALARM: 2 of the last 3 windows above -49.9" in line
    assert "(a healthy machine passes it about 0.7 times a week, at most " in line
    assert line.endswith("; provisional: 1.4 days heard)")
    # It goes on with the alarm that it had, and raises no second one.
    assert "ALARM" not in rattle(*words).out
    state.write_bytes(before)
    rows = [json.loads(row) for row in rattle(*words, "--json").out.splitlines()]
    assert [row["alarm"] for row in rows] == [False, *[True] * (len(rows) - 1)]
    assert {row["stage"] for row in rows} == {"provisional"}
    assert all(row["threshold"] == pytest.approx(-50, abs=0.1) for row in rows)


def test_another_budget_has_another_threshold_of_the_same_minutes(
    rattle: Any, exported_file: Path, shift: Path, tmp_path: Path
) -> None:
    state = state_of(exported_file, tmp_path / "state.json", 50.0)
    once = stored(exported_file, state).thresholds["alarm"]
    words = ["--url", shift, "--alarm", "2/3", "--state", state, "--budget", 0.1]
    assert rattle("listen", exported_file, *words).code == 0
    rarer = stored(exported_file, state).thresholds["alarm"]
    assert rarer.value > once.value
    assert rarer.expected_per_week == pytest.approx(once.expected_per_week / 10)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
def test_a_state_that_another_process_keeps_is_refused(
    rattle: Any, exported_file: Path, shift: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rattle.locked.PATIENCE_S", 0.1)
    state = state_of(exported_file, tmp_path / "state.json", -50.0)
    before = state.read_bytes()
    words = ["--url", shift, "--alarm", "2/3", "--state", state]
    with locked(state, "listening"):
        ran = rattle("listen", exported_file, *words)
    assert ran.code == 2
    assert f"{state}: listening goes on there already, by process " in ran.err
    assert state.read_bytes() == before
    assert rattle("listen", exported_file, *words).code == 0
    assert not [*tmp_path.glob(".*")]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda text: text[:200], "is damaged"),
        (lambda text: text.replace('"heard":2016', '"heard":5'), "more minutes than were heard"),
        (lambda text: text.replace('"bundle":"', '"bundle":"0'), "was learnt by another bundle"),
        (lambda text: text.replace("2/3", "3/5"), "was learnt with alarms by 3/5, not 2/3"),
        (lambda text: "[]", "is damaged"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_left_as_it_is(
    rattle: Any, exported_file: Path, shift: Path, tmp_path: Path, damage: Any, reason: str
) -> None:
    state = state_of(exported_file, tmp_path / "state.json", -50.0)
    damaged = damage(state.read_text())
    state.write_text(damaged)
    words = ["--url", shift, "--alarm", "2/3", "--state", state]
    code, out, err = rattle("listen", exported_file, *words)
    assert (code, out) == (2, "")
    assert reason in err
    assert "name another file, or move it away to learn anew" in err
    assert state.read_text() == damaged


def test_a_state_that_cannot_be_written_is_said_at_once(
    rattle: Any, exported_file: Path, shift: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    words = ["--url", shift, "--state", tmp_path / "file" / "state.json"]
    code, out, err = rattle("listen", exported_file, *words)
    assert (code, out) == (2, "")
    assert "state.json cannot be" in err


def test_ctrl_c_stores_what_was_learnt(
    rattle: Any,
    exported_file: Path,
    shift: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object, **__: object) -> Iterator[Block]:
        yield from recording_blocks(shift)
        raise KeyboardInterrupt

    monkeypatch.setattr("rattle.listening.reconnect.connected_blocks", interrupted)
    state = tmp_path / "state.json"
    ran = rattle("listen", exported_file, "--url", shift, "--state", state)
    assert ran.code == 130
    assert stored(exported_file, state).heard == 1


def test_a_disk_that_fills_up_meanwhile_does_not_end_listening(
    rattle: Any,
    exported_file: Path,
    shift: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_: Saving) -> None:
        raise StorageError("state.json cannot be written (no space left)")

    monkeypatch.setattr(Saving, "save_if_due", full)
    words = ["--url", shift, "--state", tmp_path / "state.json"]
    ran = rattle("listen", exported_file, *words)
    assert ran.code == 0
    assert "no space left); listening goes on" in ran.err


def test_it_is_stored_every_five_minutes(exported_file: Path, tmp_path: Path) -> None:
    scorer = Scorer.load(exported_file)
    judge = Judge(AlarmRule(), hop_s=1.0, budget_per_week=1.0)
    saving = Saving(tmp_path / "state.json", judge, scorer)
    written = []
    for place in range(11 * 60):
        judge.hop(float(place))
        saving.save_if_due()
        written.append(stored(exported_file, saving.path).heard if saving.path.exists() else 0)
    assert sorted(set(written)) == [0, 5, 10]
