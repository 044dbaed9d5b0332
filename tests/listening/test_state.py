"""What was learnt is read as it was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rattle import DataError
from rattle.listening.state import read_state, write_state
from rattle.scoring.budget.ledger import Account, Ledger
from rattle.scoring.budget.rule import AlarmRule


def learnt() -> Ledger:
    ledger = Ledger(2.0)
    for minute in np.random.default_rng(0).gumbel(size=4000):
        ledger.minute(float(minute))
    ledger.minute(ledger.thresholds["alarm"].value + 3)
    ledger.review(ledger.incidents[-1].first, "unsure")
    return ledger


def write(path: Path, account: Account, budget_per_week: float = 2.0) -> None:
    write_state(
        path, account, budget_per_week, machine="fan/00", bundle="abc", rule=AlarmRule(2, 7)
    )


def test_an_account_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    account = learnt().account()
    write(path, account)
    stored = read_state(path, bundle="abc")
    assert stored is not None
    assert (stored.rule, stored.budget_per_week) == (AlarmRule(2, 7), 2.0)
    assert np.allclose(stored.account.minutes, account.minutes, rtol=1e-8)
    for name in ("heard", "incidents", "calm", "thresholds", "fitted"):
        assert getattr(stored.account, name) == getattr(account, name), name
    # Written again, it is the same file.
    before = path.read_bytes()
    write(path, stored.account)
    assert path.read_bytes() == before


def test_there_is_none_before_the_first_time(tmp_path: Path) -> None:
    assert read_state(tmp_path / "none.json", bundle="abc") is None


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"{}", b"null", b"[1]", b'{"format":"rattle-listening"}']
)
def test_what_is_no_state_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"state\.json does not hold what was learnt"):
        read_state(path, bundle="abc")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_state(tmp_path, bundle="abc")


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write(path, learnt().account())
    path.write_text(path.read_text().replace('"minutes":[', '"minutes":[NaN,'))
    with pytest.raises(DataError, match="is damaged"):
        read_state(path, bundle="abc")
