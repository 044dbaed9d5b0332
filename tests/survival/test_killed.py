"""Commands killed with SIGKILL at random moments.

Nothing half-written is taken for whole, and the same command run to its end leaves the bytes that
an uninterrupted one leaves. Checkpoints are written after each iteration here, and each run begins
with an empty feature store, so that the moments fall into the writing of both.
"""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from forked import Forker
from how_many import cases, repeat
from left_behind import is_temporary, left_in, read_all

SEED = 4
TIMES_SCORED = 8
COMMANDS = {
    "train": "train {data} --machine {machine} --recipe {recipe} --out {out} --device cpu --resume",
    "adapt": "adapt {bundle} --anomalies {anomalies} --out {out} --device cpu --resume",
    "export": "export {out}/copy.rattle",
    "score": "score {bundle}" + " {data}" * TIMES_SCORED + " --csv --device cpu",
    "reproduce": "reproduce figure2 {data} --recipe {recipe} --out {out} --device cpu --seeds 1 "
    "--losses bce+ddcsad --anomalies 1 --machines {machine} --workers 1 --threads 1",
}


class Place:
    """A folder for the runs of a command: ``out``, the feature store, and what it said."""

    def __init__(self, here: Path, command: str, given: dict[str, object], forker: Forker) -> None:
        here.mkdir()
        self.here, self.out, self.store = here, here / "out", here / "store"
        self.said, self.errors = here / "said", here / "said.err"
        if command == "export":  # changes a bundle in its place
            self.out.mkdir()
            shutil.copy(str(given["bundle"]), self.out / "copy.rattle")
        self.words = COMMANDS[command].format(**given, out=self.out).split()
        self._forker = forker

    def run(self, *, kill_after_s: float | None = None) -> int:
        """The exit code; ``-SIGKILL`` where it was killed."""
        environment = {"RATTLE_STORE": str(self.store)}
        return self._forker.run(self.words, self.said, environment, kill_after_s=kill_after_s)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_killed_command_run_again_leaves_what_an_uninterrupted_one_leaves(
    command: str, given: dict[str, object], forker: Forker, tmp_path: Path
) -> None:
    whole = Place(tmp_path / "whole", command, given, forker)
    began = time.monotonic()
    assert whole.run() == 0, whole.errors.read_text()
    took_s = time.monotonic() - began
    wrong = {}
    for case in cases(few=1, full=50):
        after_s = took_s * float(np.random.default_rng([SEED, case]).random())
        place = Place(tmp_path / str(case), command, given, forker)
        while place.run(kill_after_s=after_s) != -signal.SIGKILL:  # it was faster this time
            after_s *= 0.9
            shutil.rmtree(place.here)
            place = Place(tmp_path / str(case), command, given, forker)
        found = _harm(place, whole) or _not_the_same(place, whole)
        if found:
            wrong[case] = f"killed after {after_s:.3f} of {took_s:.3f} s: {found}"
        else:
            shutil.rmtree(place.here)
    assert not wrong, repeat(wrong)


def _harm(place: Place, whole: Place) -> str | None:
    """What a kill left that would be taken for something that it is not."""
    read_all(place.here)
    finished = {f"store/{name}": what for name, what in left_in(place.store).items()}
    finished |= {f"out/{path.name}": path.read_bytes() for path in place.out.glob("figure2.*")}
    expected = left_in(whole.here)
    for name, content in finished.items():
        if not is_temporary(name) and content != expected.get(name):
            return f"{name} is not what it will be"
    if "--csv" in place.words and not whole.said.read_bytes().startswith(place.said.read_bytes()):
        return "the scores are not the first of an uninterrupted run"
    return None


def _not_the_same(place: Place, whole: Place) -> str | None:
    """What differs from an uninterrupted run once the command has run to its end."""
    code = place.run()
    if code:
        return f"run again, it ended with {code}: {place.errors.read_text()}"
    if "--csv" in place.words and place.said.read_bytes() != whole.said.read_bytes():
        return "other scores"
    for of in ("out", "store"):
        expected, found = left_in(whole.here / of), left_in(place.here / of)
        # A run folder is tidied up; elsewhere temporary files wait for their time to be removed.
        tidy = of == "out" and "--resume" in place.words
        further = [name for name in found.keys() - expected if tidy or not is_temporary(name)]
        differing = [name for name in expected if expected[name] != found.get(name)]
        if differing or further:
            return f"in {of} differing: {differing}, further: {further}"
    return None
