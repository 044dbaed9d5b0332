"""Running a command line inside the test's process."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from rattle.cli import main


class Ran(NamedTuple):
    """What a command line came to."""

    code: int
    out: str
    err: str


Rattle = Callable[..., Ran]


@pytest.fixture
def rattle(capsys: pytest.CaptureFixture[str]) -> Rattle:
    """``rattle("score", bundle, clip)`` as the shell would, with what it printed."""

    def run(*words: object) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, out, err)

    return run
