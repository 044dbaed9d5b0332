"""Full disks and folders that cannot be written: one clear error, and nothing is lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from disk import Disk, mounted
from forked import Forker
from how_many import cases, repeat
from left_behind import is_temporary, left_in, read_all

SEED = 9
ROOM_KILOBYTES = 64 * 1024
TRAIN = "train {data} --machine {machine} --recipe {recipe} --device cpu --resume --out "
# What each command writes is on the small disk, and only that.
COMMANDS = {
    "train": TRAIN + "{disk}/out",
    "feature store": TRAIN + "{elsewhere}/out",
    "adapt": "adapt {bundle} --anomalies {anomalies} --out {disk}/out --device cpu --resume",
    "reproduce": "reproduce figure2 {data} --recipe {recipe} --out {disk}/out --device cpu "
    "--seeds 1 --losses bce+ddcsad --anomalies 1 --machines {machine} --workers 1 --threads 1",
    "export": "export {disk}/copy.rattle",
    "report": "report {runs} --out {disk}/report.html",
    "compare": "compare {bundle} {bundle} {data} --csv {disk}/scores.csv --device cpu",
    "evaluate": "evaluate {data} --bundles {bundle} --out {disk}/evaluation --device cpu",
    "synthesize": "synthesize --to {disk}/hall --types synth_fan --ids-per-type 1 "
    "--train-clips 4 --test-normal 2 --test-anomaly 2 --seconds 1",
}
# These write anew what they wrote before.
REWRITING = ("reproduce", "report", "compare", "evaluate")


class Run:
    """A command whose output is on a disk."""

    def __init__(
        self, command: str, given: dict[str, object], forker: Forker, disk: Disk, elsewhere: Path
    ) -> None:
        elsewhere.mkdir(exist_ok=True)
        self.disk, self._forker = disk, forker
        self._said, self._errors = elsewhere / "said", elsewhere / "said.err"
        of_disk = command == "feature store"
        store = (disk.folder if of_disk else elsewhere) / "store"
        self._environment = {"RATTLE_STORE": str(store)}
        names = {**given, "disk": disk.folder, "elsewhere": elsewhere}
        self._words = COMMANDS[command].format(**names).split()
        if command == "export":  # changes a bundle in its place
            shutil.copy(str(given["bundle"]), disk.folder / "copy.rattle")

    def __call__(self) -> int:
        return self._forker.run(self._words, self._said, self._environment)

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    def told(self, reason: str) -> str | None:
        """What is wrong with how it failed, None where it is told as it has to be."""
        if "Traceback" in self.errors or "a bug in rattle" in self.errors:
            return self.errors
        lines = [line for line in self.errors.splitlines() if line.startswith("rattle: error: ")]
        said = f"cannot be written ({reason}"
        if not any(said in line and str(self.disk.folder) in line for line in lines):
            return f"no line tells what cannot be written: {self.errors}"
        left = [name for name in left_in(self.disk.folder) if is_temporary(name)]
        return f"left {left}" if left else None


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk", kilobytes=ROOM_KILOBYTES) as found:
        yield found


# Whatever size a disk has, it takes compare's few lines or it takes nothing.
@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - {"compare"}))
def test_a_disk_that_fills_up_is_told_and_with_more_room_the_command_goes_on(
    command: str, given: dict[str, object], forker: Forker, disk: Disk, tmp_path: Path
) -> None:
    run = Run(command, given, forker, disk, tmp_path / "whole")
    assert run() == 0, run.errors
    whole, taken = left_in(disk.folder), disk.taken
    disk.clear()
    wrong = {}
    for case in cases(few=1, full=10):
        share = float(np.random.default_rng([SEED, case]).uniform(0, 0.95))
        run = Run(command, given, forker, disk, tmp_path / str(case))
        disk.resize(max(int(share * taken), disk.taken, 4096) >> 10)
        code = run()
        found = run.told("No space left on device") if code else "it did not fail"
        read_all(disk.folder)
        disk.resize(ROOM_KILOBYTES)
        if not found and run():
            found = f"with more room it failed with {run.errors}"
        if not found and left_in(disk.folder) != whole:
            found = "with more room it left something else"
        if found:
            wrong[case] = f"with room for {share:.1%} of {taken} bytes, exit code {code}: {found}"
        disk.clear()
    assert not wrong, repeat(wrong)


@pytest.mark.parametrize("command", REWRITING)
def test_what_cannot_be_written_anew_stays_as_it_was(
    command: str, given: dict[str, object], forker: Forker, disk: Disk, tmp_path: Path
) -> None:
    run = Run(command, given, forker, disk, tmp_path / "elsewhere")
    assert run() == 0, run.errors
    before = left_in(disk.folder)
    disk.resize(disk.taken >> 10)
    assert run() == 2
    assert run.told("No space left on device") is None
    assert left_in(disk.folder) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_cannot_be_written_is_told(
    command: str, given: dict[str, object], forker: Forker, disk: Disk, tmp_path: Path
) -> None:
    run = Run(command, given, forker, disk, tmp_path / "elsewhere")
    disk.forbid_writing()
    assert run() == 2
    assert run.told("Read-only file system") is None


def test_a_run_that_is_whole_is_read_where_nothing_can_be_written(
    given: dict[str, object], forker: Forker, disk: Disk, tmp_path: Path
) -> None:
    """Scoring, and taking a finished run as it is, write nothing."""
    run = Run("train", given, forker, disk, tmp_path / "elsewhere")
    assert run() == 0, run.errors
    disk.forbid_writing()
    assert run() == 0, run.errors
    said = tmp_path / "scores"
    bundle = disk.folder / "out" / "synth_fan_id_00.rattle"
    store = {"RATTLE_STORE": str(disk.folder / "store")}
    assert forker.run(["score", bundle, given["data"], "--csv"], said, store) == 0
    assert forker.run(["inspect", bundle], said, store) == 0


def test_scores_that_a_full_disk_cuts_off_are_told(
    given: dict[str, object], forker: Forker, disk: Disk, tmp_path: Path
) -> None:
    disk.resize(8)
    said, errors = disk.folder / "scores.csv", tmp_path / "errors"
    words = ["score", given["bundle"], *[given["data"]] * 4, "--csv"]
    assert forker.run(words, said, {}, errors=errors) == 2
    assert said.stat().st_size == 8192
    last = errors.read_text().splitlines()[-1]
    assert last.startswith("rattle: error: standard output cannot be written (No space left")
