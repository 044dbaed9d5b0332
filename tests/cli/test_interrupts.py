"""Ctrl-C at any moment: no traceback, and no process is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")

# Says when Python itself has started: what happens before that is not ours.
STARTED = """
import os
from rattle.__main__ import main
if __name__ == "__main__":
    os.write(1, b"!")
    main()
"""
ENDED_BY_SIGNAL, INTERRUPTED, USAGE = -signal.SIGINT, 130, 2


def started(*words: object) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", STARTED, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.read(1) == b"!"
    return process


def alive(session: int) -> list[str]:
    """The command lines of a session's processes that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of = stat.read_text().rpartition(")")[2].split()[:4]
            if int(of) == session and state not in "ZX":
                found.append((stat.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@pytest.mark.parametrize("delay_s", [0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5])
def test_ctrl_c_while_it_is_loaded_prints_no_traceback(delay_s: float, tmp_path: Path) -> None:
    process = started("train", tmp_path, "--machine", "all")
    time.sleep(delay_s)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert b"Traceback" not in said
    assert b"Exception ignored" not in said
    # On a fast machine it has refused the empty folder before it was interrupted.
    assert process.returncode in (ENDED_BY_SIGNAL, INTERRUPTED, USAGE)


@pytest.mark.parametrize("verb", ["train", "reproduce"])
@pytest.mark.parametrize("is_training", [False, True], ids=["as workers start", "in training"])
def test_workers_end_with_the_command(
    verb: str, is_training: bool, factory: Path, tiny_recipe_file: Path, tmp_path: Path
) -> None:
    endless = tmp_path / "endless.toml"
    longer = tiny_recipe_file.read_text().replace("iterations = 6", "iterations = 1000000")
    endless.write_text(longer)
    out = tmp_path / "out"
    words = {
        "train": ("train", factory, "--machine", "all"),
        "reproduce": ("reproduce", "table2", factory, "--seeds", "0", "--losses", "bce"),
    }[verb]
    process = started(
        *words, "--recipe", endless, "--workers", "2", "--device", "cpu", "--out", out
    )
    end = time.monotonic() + 120
    while not (any(out.rglob("metrics.jsonl")) if is_training else len(alive(process.pid)) > 2):
        assert process.poll() is None, process.stderr and process.stderr.read().decode()
        assert time.monotonic() < end
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED, said.decode()
    assert b"Traceback" not in said
    end = time.monotonic() + 30
    while alive(process.pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert alive(process.pid) == []
    if is_training:
        assert any(out.rglob("checkpoint.safetensors"))


def test_ctrl_c_waits_until_a_module_is_imported(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(0.2)\nDONE = 1\n"
    )
    words = (
        "import sys, time\nfrom rattle.cli.terminal.stopping import INTERRUPTS\n"
        "INTERRUPTS.catch()\n"
        "try:\n    import slow\n    time.sleep(30)\n"
        "except KeyboardInterrupt:\n    print(sys.modules['slow'].DONE, INTERRUPTS.seen)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=True,
    )
    assert found.stdout == "1 True\n"
