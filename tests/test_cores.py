"""No more threads than the process may use cores: by its affinity, and by its container."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from rattle import cores as of_cores
from rattle.cores import MOST_READERS, cores, readers

SOURCES = Path(of_cores.__file__).parent


def allow(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(count)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A control group of the second version, named ``/box/job``, without a limit."""
    own = tmp_path / "own"
    own.write_text("0::/box/job\n")
    (tmp_path / "groups" / "box" / "job").mkdir(parents=True)
    monkeypatch.setattr(of_cores, "OWN_GROUP", own)
    monkeypatch.setattr(of_cores, "GROUPS", tmp_path / "groups")
    allow(monkeypatch, 8)
    return tmp_path / "groups"


def test_the_affinity_counts_and_not_the_machine(
    monkeypatch: pytest.MonkeyPatch, groups: Path
) -> None:
    allow(monkeypatch, 3)
    assert cores() == 3


@pytest.mark.parametrize(
    ("said", "expected"), [("200000 100000", 2), ("150000 100000", 2), ("max 100000", 8)]
)
def test_a_containers_share_of_time_is_a_number_of_cores(
    groups: Path, said: str, expected: int
) -> None:
    (groups / "box" / "job" / "cpu.max").write_text(said + "\n")
    assert cores() == expected


def test_a_group_has_no_more_than_the_one_above_it(groups: Path) -> None:
    (groups / "box" / "job" / "cpu.max").write_text("600000 100000\n")
    (groups / "box" / "cpu.max").write_text("400000 100000\n")
    assert cores() == 4


def test_the_first_version_of_control_groups_is_read_too(groups: Path) -> None:
    (groups.parent / "own").write_text("4:cpu,cpuacct:/box\n3:memory:/box\n")
    folder = groups / "cpu,cpuacct" / "box"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text("300000\n")
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    assert cores() == 3
    (folder / "cpu.cfs_quota_us").write_text("-1\n")
    assert cores() == 8


def test_what_cannot_be_read_limits_nothing(groups: Path) -> None:
    (groups / "box" / "job" / "cpu.max").write_text("nonsense\n")
    assert cores() == 8
    (groups.parent / "own").unlink()
    assert cores() == 8


def test_clips_are_read_by_a_bounded_number_of_threads_however_many_cores_there_are(
    monkeypatch: pytest.MonkeyPatch, groups: Path
) -> None:
    assert readers() == 8
    allow(monkeypatch, 500)
    assert readers() == MOST_READERS


def test_nothing_else_counts_cores() -> None:
    counting = re.compile(r"cpu_count|sched_getaffinity")
    found = {path.name for path in SOURCES.rglob("*.py") if counting.search(path.read_text())}
    assert found == {"cores.py"}
