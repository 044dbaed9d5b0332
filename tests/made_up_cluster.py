"""A real Ray of two CPUs on this machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rattle.locked import locked

PATIENCE_S, OTHERS_TAKE_S = 120.0, 900.0


@dataclass(frozen=True)
class Cluster:
    """Where it answers, and the process that all of its processes stem from."""

    address: str
    pid: int

    def at_work(self) -> list[int]:
        """The processes that run a task."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                is_task = folder.joinpath("cmdline").read_bytes().startswith(b"ray::_run")
            except OSError:  # it has just ended
                continue
            if is_task and _parent(_parent(int(folder.name))) == self.pid:
                found.append(int(folder.name))
        return found


@pytest.fixture(scope="module")
def quiet_ray() -> Iterator[None]:
    """Ray as it has to be set before it is loaded: on this machine alone, without telemetry."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # else it listens to the network
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.delenv("RAY_ADDRESS", raising=False)
        pytest.importorskip("ray", reason="the extra `cluster` is not installed")
        yield


@pytest.fixture(scope="module")
def cluster(quiet_ray: None) -> Iterator[Cluster]:
    """A Ray of two CPUs; one at a time on this machine, where tests run side by side."""
    place = Path(tempfile.gettempdir()) / "rattle-tests-ray"
    with locked(place, "a Ray of tests", patience_s=OTHERS_TAKE_S):
        yield from _cluster()


def _cluster() -> Iterator[Cluster]:
    # pytest's folders are too long for the names of Ray's sockets.
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    log = folder / "log"
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"]
    options = ["--port=0", "--num-cpus=2", "--include-dashboard=false", f"--temp-dir={folder}"]
    with log.open("w") as out:
        head = subprocess.Popen([*command, *options], stdout=out, stderr=out)
    try:
        # Ray says that it has started before it writes where it answers.
        where = folder / "ray_current_cluster"
        until = time.monotonic() + PATIENCE_S
        while not (where.exists() and where.read_text()):
            assert head.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        yield Cluster(where.read_text().strip(), head.pid)
    finally:
        head.terminate()
        head.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _parent(pid: int) -> int:
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(words[1])
