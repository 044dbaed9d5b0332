"""Command lines in processes that begin with everything imported, to be killed at any moment.

``Forker`` starts this file as a process that imports the command line once and forks for each
run: a run then spends its time on its work, where a kill can do harm, and not on imports. What it
starts itself (the workers of ``rattle reproduce``) is in its process group and is killed with it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType


class Forker:
    """Runs command lines; use it as a context manager."""

    def __enter__(self) -> Forker:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # or a number could wait in the buffer, where select does not see it
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        self._line(within=120)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def run(
        self,
        words: Sequence[object],
        said: Path,
        environment: Mapping[str, str],
        *,
        errors: Path | None = None,
        kill_after_s: float | None = None,
    ) -> int:
        """The exit code, ``-SIGKILL`` where it was still running and was killed with its group.

        Standard output goes to the file ``said``, standard error to ``errors`` or to
        ``said.err`` beside it.
        """
        assert self._process.stdin is not None
        order = {
            "words": [str(word) for word in words],
            "said": str(said),
            "errors": str(errors or said.with_name(said.name + ".err")),
            "environment": dict(environment),
        }
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        pid = self._line(within=10)
        assert pid is not None
        code = self._line(within=120 if kill_after_s is None else kill_after_s)
        if code is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended just now
                os.killpg(pid, signal.SIGKILL)
            code = self._line(within=30)
        assert code is not None
        return code

    def _line(self, *, within: float) -> int | None:
        stream = self._process.stdout
        assert stream is not None
        ready, _, _ = select.select([stream], [], [], within)
        return int(stream.readline()) if ready else None


def serve() -> None:
    """In the process: fork for each order, say its number and then its exit code."""
    from rattle.cli import VERBS, name_of

    for verb in VERBS:
        importlib.import_module(f"rattle.cli.{name_of(verb)}")
    for module in ("runs.write", "cli.terminal.running", "detector.export", "experiments.paper"):
        importlib.import_module(f"rattle.{module}")
    _say(0)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _run(**json.loads(line))
        # Set by the child too: whichever comes first, it is there before anyone kills the group.
        os.setpgid(pid, pid)
        _say(pid)
        _, status = os.waitpid(pid, 0)
        _say(os.waitstatus_to_exitcode(status))


def _run(words: list[str], said: str, errors: str, environment: dict[str, str]) -> None:
    from rattle.cli import main

    os.setpgid(0, 0)
    os.environ.update(environment)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for path, number in ((said, 1), (errors, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    try:
        main(words)
    except SystemExit as ended:
        sys.stdout.flush()
        os._exit(int(ended.code or 0))


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve()
