"""The examples in docstrings give what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import rattle

PACKAGE = Path(rattle.__file__).parent


def _with_examples() -> list[str]:
    """The modules in which an example is run."""
    names = []
    for file in sorted(PACKAGE.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if any(">>>" in line and "+SKIP" not in line for line in text.splitlines()):
            parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
            names.append(".".join(part for part in parts if part != "__init__"))
    return names


@pytest.mark.parametrize("name", _with_examples())
def test_the_examples_of_a_module_are_right(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.attempted > 0
    assert outcome.failed == 0
