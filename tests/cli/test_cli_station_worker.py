"""``rattle station-worker`` says what is wrong before it asks anyone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--station", "hall:8765"], "is no address of a station"),
        (["--token", "a-secret"], "put it into an environment variable"),
        (["--token", "env:NOBODY_SET_THIS"], "NOBODY_SET_THIS is not set"),
        (["--device", "abacus"], "abacus"),
        (["--threads", "0"], "--threads is 1 or more"),
        (["--ray", "127.0.0.1:1"], "no Ray cluster can be used at 127.0.0.1:1"),
    ],
)
def test_what_makes_no_sense_is_refused(
    rattle: Callable[..., Any], words: list[str], said: str
) -> None:
    code, out, err = rattle("station-worker", *words)
    assert code == 2
    assert said in err
    assert "asks" not in out
