"""Running a command line inside the test's process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
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


@pytest.fixture
def train(rattle: Rattle, factory: Path, tiny_recipe_file: Path, tmp_path: Path) -> Rattle:
    """``rattle train`` on the factory with the tiny recipe; more words replace or add options."""

    def run(*words: object, data: Path = factory, machine: str = "synth_fan/id_00") -> Ran:
        given = ["--recipe", tiny_recipe_file, "--out", tmp_path / "out", "--device", "cpu"]
        pairs = zip(given[::2], given[1::2], strict=True)
        options = [word for pair in pairs if pair[0] not in words for word in pair]
        return rattle("train", data, "--machine", machine, *options, *words)

    return run
