"""What ``import rattle`` offers, and how little it loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

import rattle

HEAVY = {"torch", "polars", "matplotlib", "sklearn", "scipy", "numpy", "soundfile", "jinja2"}


def test_all_is_exactly_the_sorted_public_names() -> None:
    assert rattle.__all__ == sorted(rattle._HOMES)
    assert dir(rattle) == rattle.__all__
    assert len(rattle.__all__) <= 21


@pytest.mark.parametrize("name", rattle.__all__)
def test_every_public_name_loads_from_its_home(name: str) -> None:
    value = getattr(rattle, name)
    assert value.__name__ == name
    assert value.__module__ in (rattle._HOMES[name], "rattle.scoring.clip")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Detectr'"):
        _ = rattle.Detectr


def test_importing_rattle_and_its_command_line_loads_nothing_heavy() -> None:
    assert _loaded_by("import rattle, rattle.cli, rattle.errors") & HEAVY == set()


def test_help_loads_nothing_heavy() -> None:
    code = """
import contextlib, io, sys
from rattle.cli import VERBS, main
for words in [["--help"], [], *([verb, "--help"] for verb in VERBS)]:
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
        main(words)
    assert "Usage: rattle" in said.getvalue(), words
"""
    assert _loaded_by(code) & HEAVY == set()


def _loaded_by(code: str) -> set[str]:
    code += "\nimport sys; print(*sorted(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    return {name.partition(".")[0] for name in ran.stdout.split()}
