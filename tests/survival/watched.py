"""Runs cases in a child process: one that hangs, dies or takes too much memory is told by number.

The child is one of the scripts beside this file. It gets the numbers on its command line, says on
its standard output when it has ended a case, and is started anew for the rest after one that it
did not survive.
"""

from __future__ import annotations

import json
import queue
import resource
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
# The first line comes when everything is imported.
START_SECONDS = 120.0


@dataclass(frozen=True)
class Survived:
    """What became of some cases: those that went wrong, and the largest memory taken."""

    wrong: dict[int, str]
    most_megabytes: int


def watch(script: str, cases: Sequence[int], *words: object, seconds_each: float) -> Survived:
    """Run the cases in children of ``script``; none may take longer than ``seconds_each``."""
    waiting, wrong, most = list(cases), dict[int, str](), 0
    while waiting:
        command = [sys.executable, HERE / script, *map(str, words), "--", *map(str, waiting)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            try:
                for said in _said(child, seconds_each):
                    waiting.remove(said["case"])
                    most = max(most, said["megabytes"])
                    if said["wrong"]:
                        wrong[said["case"]] = said["wrong"]
                how = f"the process ended with {child.wait()}"
            except TimeoutError:
                how = f"it took longer than {seconds_each:g} s"
                child.kill()
        if waiting:
            wrong[waiting.pop(0)] = how
    return Survived(wrong, most)


def _said(child: subprocess.Popen[str], seconds_each: float) -> Iterator[dict[str, object]]:
    assert child.stdout is not None
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in child.stdout or ():
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    patience = START_SECONDS
    while True:
        try:
            line = lines.get(timeout=patience)
        except queue.Empty:
            raise TimeoutError from None
        if not line:
            return
        if patience == seconds_each:
            yield json.loads(line)
        patience = seconds_each


def serve(attempt: Callable[[int], str | None], *, spare_megabytes: int) -> None:
    """In the child: attempt each case, with so much memory beyond what is taken now.

    ``attempt`` gives what is wrong, None where nothing is.
    """
    cases = [int(word) for word in sys.argv[sys.argv.index("--") + 1 :]]
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + (spare_megabytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    _say("ready")
    for case in cases:
        try:
            wrong = attempt(case)
        except Exception:
            wrong = traceback.format_exc()
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        _say({"case": case, "wrong": wrong, "megabytes": megabytes})


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()
