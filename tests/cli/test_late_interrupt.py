"""Ctrl-C while a command says its last words."""

from __future__ import annotations

import subprocess
import sys

LATE = """
import rattle.cli
def interrupted(message):
    raise KeyboardInterrupt
rattle.cli._failed = interrupted
from rattle.__main__ import main
main()
"""


def test_ctrl_c_while_an_error_is_said_prints_no_traceback() -> None:
    found = subprocess.run(
        [sys.executable, "-c", LATE, "inspect", "nothing.rattle"], capture_output=True, text=True
    )
    assert found.returncode == 130
    assert found.stderr == "rattle: interrupted\n"
