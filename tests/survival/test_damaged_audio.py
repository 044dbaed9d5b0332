"""Damaged recordings: each is read to a sound result or refused in one line, in little memory."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from damaged_audio import Damaged, damaged
from how_many import cases, repeat
from watched import watch

from rattle.clips.content import content_hash
from rattle.clips.reading import probe, read_clip
from rattle.errors import ClipError

NOISE = np.random.default_rng(0).normal(0, 0.1, 40_000)


def run(*words: object) -> subprocess.CompletedProcess[str]:
    """A command line in a process of its own; what it says is UTF-8 whatever the files' names."""
    code = "from rattle.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, words)]
    done = subprocess.run(command, capture_output=True, timeout=120, encoding="utf-8")
    assert "Traceback" not in done.stdout + done.stderr
    assert "a bug in rattle" not in done.stderr
    return done


def test_every_damaged_recording_is_read_soundly_or_refused_in_one_line(tmp_path: Path) -> None:
    found = watch("read_damaged.py", cases(few=2000, full=2000), tmp_path, seconds_each=20)
    assert not found.wrong, repeat(found.wrong)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_recording_is_the_same_each_time_it_is_made() -> None:
    assert [damaged(case) for case in range(40)] == [damaged(case) for case in range(40)]
    assert len({damaged(case).content for case in range(40)}) > 35


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Damaged]:
    """A machine's folder in which every recording is damaged but one, by path."""
    folder = tmp_path_factory.mktemp("hall") / "press" / "normal"
    folder.mkdir(parents=True)
    sf.write(folder / "whole.wav", NOISE, 16_000)
    made = {}
    for case in cases(few=150, full=2000):
        odd = damaged(case)
        path = folder / f"{case:06}.{odd.suffix}"
        path.write_bytes(odd.content)
        made[path] = odd
    return made


def test_check_tells_of_every_file_and_goes_on(hall: dict[Path, Damaged]) -> None:
    done = run("check", next(iter(hall)).parents[2], "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    wrong = {Path(f["path"]) for f in told["findings"] if f["severity"] == "error"}
    for path, odd in hall.items():
        assert not odd.is_cut or path.resolve() in wrong, odd.how


def test_score_scores_or_refuses_every_file_and_goes_on(
    hall: dict[Path, Damaged], bundle_file: Path
) -> None:
    folder = next(iter(hall)).parent
    done = run("score", bundle_file, folder, "--csv", "--device", "cpu")
    assert done.returncode == 1
    rows = {Path(row["path"]): row for row in csv.DictReader(done.stdout.splitlines())}
    assert rows.keys() == {*hall, folder / "whole.wav"}
    assert rows[folder / "whole.wav"]["error"] == ""
    for path, row in rows.items():
        assert bool(row["error"]) != bool(row["score"]), row
        assert not row["score"] or np.isfinite(float(row["score"])), row
        assert not (row["score"] and path in hall and hall[path].is_cut), hall[path].how


# What was found on the way


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    for read in (read_clip, probe, content_hash):
        with pytest.raises(ClipError, match="this is a pipe or a device"):
            read(pipe)


@pytest.mark.parametrize("value", [1e38, -1e38, 2e10])
@pytest.mark.parametrize("channel", [0, "mean"])
def test_a_number_that_no_recorder_gives_is_refused(
    value: float, channel: int, tmp_path: Path
) -> None:
    """It is finite, but its square is not: the clip scored NaN, which is above no threshold."""
    samples = NOISE.copy()
    samples[7] = value
    sf.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(ClipError, match="absurdly large samples"):
        read_clip(tmp_path / "a.wav", channel=channel)


def test_counts_of_a_32_bit_recorder_are_read(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", NOISE * 2**31, 16_000, subtype="FLOAT")
    np.testing.assert_allclose(read_clip(tmp_path / "a.wav"), NOISE * 2**31, rtol=1e-6)


def test_a_name_that_is_not_utf_8_is_told_and_does_not_stop_the_rest(
    tmp_path: Path, bundle_file: Path
) -> None:
    folder = tmp_path / "press" / "normal"
    folder.mkdir(parents=True)
    sf.write(folder / "whole.wav", NOISE, 16_000)
    latin = os.fsencode(folder) + b"/L\xfcfter.wav"
    with open(latin, "wb") as file:  # noqa: PTH123 - a path of bytes
        file.write((folder / "whole.wav").read_bytes())

    done = run("check", tmp_path)
    assert done.returncode == 1
    assert r"L\udcfcfter.wav: the name of the file or of a folder is not UTF-8" in done.stdout
    done = run("check", tmp_path, "--json")
    (finding,) = [f for f in json.loads(done.stdout)["findings"] if f["severity"] == "error"]
    assert os.fsencode(finding["path"]) == latin

    done = run("score", bundle_file, tmp_path, "--csv", "--device", "cpu")
    assert done.returncode == 1
    errors = [row["error"] for row in csv.DictReader(done.stdout.splitlines())]
    assert len(errors) == 2
    assert "is not UTF-8; rename it" in "".join(errors)
