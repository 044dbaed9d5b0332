"""``rattle reproduce``: tables that no kill changes, failures that are told, clear refusals."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import torch

from rattle.cli import main
from rattle.cli.terminal.grid_view import GridView
from rattle.experiments.task import Setting, Task, run_task

FAN, OTHER = "synth_fan/id_00", "synth_fan/id_01"
RESULTS = ("table1", "table2", "figure2")


class Inline:
    """Workers that are this process and one thread: no time goes into starting others."""

    count = 1

    def __init__(self, setting: Setting, *_: object) -> None:
        self.setting = setting

    def __enter__(self) -> Inline:
        self.threads = torch.get_num_threads()
        torch.set_num_threads(1)
        return self

    def __exit__(self, *_: object) -> None:
        torch.set_num_threads(self.threads)

    def stop(self) -> None: ...

    def submit(self, task: Task) -> Future[None]:
        future: Future[None] = Future()
        try:
            future.set_result(run_task(task, self.setting, lambda: False))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two fans with 12 normals to learn from; 4 normals and 14 anomalies to test on."""
    from rattle.synthetic import write_factory

    folder = tmp_path_factory.mktemp("fans")
    write_factory(
        folder,
        types=("synth_fan",),
        ids_per_type=2,
        train_clips=12,
        test_normal=4,
        test_anomaly=14,
        seconds=3.0,
    )
    return folder


@pytest.fixture(scope="module")
def options(tiny_recipe_file: Path) -> list[str]:
    """A seed, one loss, and up to four anomalies: two trainings, eight adaptations."""
    words = f"--recipe {tiny_recipe_file} --seeds 1 --losses bce+ddcsad --baselines none"
    return f"{words} --anomalies 1 4 --workers 1 --threads 1 --device cpu".split()


@pytest.fixture(scope="module")
def whole(data: Path, options: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a figure 2 that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rattle.grid.local.LocalWorkers", Inline)
        with pytest.raises(SystemExit) as ended:
            main(["reproduce", "figure2", str(data), *options, "--out", str(out)])
    assert ended.value.code == 0
    return out


@pytest.fixture
def reproduce(rattle: Any, data: Path, options: list[str]) -> Any:
    def run(experiment: str, out: Path, *words: object, of: Path = data) -> Any:
        return rattle("reproduce", experiment, of, *options, "--out", out, *words)

    return run


def table(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text().splitlines()))


def results(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.stem in RESULTS}


def outcomes(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("outcome.json"))


def test_a_killed_run_goes_on_to_the_same_bytes(
    reproduce: Any, whole: Path, data: Path, options: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    command = ["reproduce", "figure2", data, *options, "--out", out]
    process = subprocess.Popen(
        [sys.executable, "-c", "from rattle.cli import main; main()", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    while process.poll() is None and not outcomes(out):
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    said, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, said.decode()
    assert 0 < len(outcomes(out)) < 10
    assert results(out) == {}
    before = {path: (out / path).read_bytes() for path in outcomes(out)}

    assert reproduce("figure2", out).code == 0
    assert len(outcomes(out)) == 10
    assert before == {path: (out / path).read_bytes() for path in before}
    assert results(out).keys() == {f"figure2.{s}" for s in ("md", "csv", "html", "svg", "png")}
    assert results(out) == results(whole)


def test_a_table_made_from_models_that_are_there_trains_none(
    reproduce: Any, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Neither the models nor their features are made again.
    monkeypatch.setenv("RATTLE_STORE", str(tmp_path / "store"))
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*.rattle")}
    code, out, err = reproduce("table2", whole)
    assert code == 0
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("*.rattle")} == before
    assert not (tmp_path / "store").exists()
    assert "2 of 2 tasks done" in err
    assert f"Written: {whole / 'table2'} .md, .csv, .html" in out
    rows = table(whole / "table2.csv")
    assert [row["column"] for row in rows] == [FAN, OTHER, "synth_fan mean", "machine average"]
    for row in rows:
        assert f"{100 * float(row['auc']):.1f}" in out

    code, out, _ = reproduce("table1", whole, "--validation", FAN)
    assert code == 0
    (row,) = table(whole / "table1.csv")
    assert (row["method"], row["type"]) == ("bce+ddcsad", "synth_fan")


def test_the_scale_is_chosen_when_the_table_is_made(reproduce: Any, whole: Path) -> None:
    texts = {}
    for scale in ("paper", "fixed"):
        assert reproduce("figure2", whole, "--scale", scale).code == 0
        texts[scale] = (whole / "figure2.md").read_text()
    assert "as in the paper" in texts["paper"]
    assert "fixed scale" in texts["fixed"]
    assert reproduce("figure2", whole).code == 0
    assert (whole / "figure2.md").read_text() == texts["paper"]


def test_figure_2_is_over_the_clips_that_are_left(whole: Path) -> None:
    rows = table(whole / "figure2.csv")
    assert [(row["way"], row["anomalies"]) for row in rows] == [
        ("", "0"),
        *(("encoder", count) for count in ("1", "4")),
        *(("head", count) for count in ("1", "4")),
    ]
    for row in rows:
        # 4 normals and 10 of 14 anomalies on each of two machines: the mean of two such AUCs.
        pairs = float(row["auc"]) * 80
        assert pairs == pytest.approx(round(pairs), abs=1e-6)
        assert (row["machines"], row["seeds"], row["seed_low"]) == ("2", "1", "")


def test_what_a_terminal_shows_fits_80_columns(
    reproduce: Any, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for experiment in ("table2", "figure2"):
        code, out, _ = reproduce(experiment, whole)
        assert code == 0
        lines = [line for line in out.splitlines() if not line.startswith("Written")]
        assert max(map(len, lines)) <= 80
        assert "|" not in out


def test_a_machine_that_fails_is_told_and_the_others_finish(
    reproduce: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rattle.grid.local.LocalWorkers", Inline)
    broken = tmp_path / "data"
    shutil.copytree(data, broken)
    clip = sorted(broken.glob("dev_data/synth_fan/test/anomaly_id_01_*.wav"))[3]
    clip.write_bytes(clip.read_bytes()[:9000])  # its header promises more
    out = tmp_path / "out"
    code, text, err = reproduce("table2", out, of=broken)
    assert code == 1
    assert f"rattle: error: bce+ddcsad {OTHER} seed 1: {clip}: " in err
    assert FAN in text
    assert "1 of 2 tasks failed, and what they would give is missing" in " ".join(text.split())
    assert [path.parts[-2] for path in outcomes(out)] == ["synth_fan_id_00"]
    assert [row["column"] for row in table(out / "table2.csv")] == [FAN]

    # Adaptations of the model that failed are told with it; the other machine has its figure.
    code, _, err = reproduce("figure2", out, of=broken)
    assert code == 1
    assert (
        f"{OTHER} seed 1, 4 anomalies by head: needs bce+ddcsad {OTHER} seed 1, which failed" in err
    )
    assert {row["machines"] for row in table(out / "figure2.csv")} == {"1"}

    code, _, err = reproduce("table2", out, "--machines", OTHER, of=broken)
    assert code == 2
    assert f"{clip}: " in err
    assert "rattle: error: every task failed; the errors above say why" in err


def test_ctrl_c_while_features_are_computed_leaves_nothing_half_done(
    reproduce: Any, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATTLE_STORE", str(tmp_path / "store"))
    shown: Callable[[GridView], None] = GridView.on_clip

    def interrupted(view: GridView) -> None:
        shown(view)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(GridView, "on_clip", interrupted)
    code, out, err = reproduce("table2", tmp_path / "out")
    assert (code, out) == (130, "")
    assert "features of synth_fan/id_00 (1 of 2)" in err
    assert "stopped; the same command goes on" in err
    assert list((tmp_path / "store").glob("*log-mel*")) == []


@pytest.mark.parametrize(
    ("experiment", "words", "message"),
    [
        ("figure2", ["--anomalies", "5"], "no machine can take part"),
        ("figure2", ["--anomalies", "0", "2"], "--anomalies are one or more whole numbers from 1"),
        ("table2", ["--seeds", "0", "-3"], "--seeds are one or more whole numbers from 0"),
        ("table2", ["--seeds"], "--seeds are one or more whole numbers from 0"),
        ("figure2", ["--anomalies"], "--anomalies are one or more whole numbers from 1"),
        ("figure2", ["--losses"], "no loss to compare: figure2 takes bce, dsad"),
        ("table2", ["--workers", "0"], "--workers is 1 or more; 0 was given"),
        ("table2", ["--threads", "-1"], "--threads is 1 or more; -1 was given"),
        ("table2", ["--machines", "synth_fan/id_7"], "no clip of machine synth_fan/id_7"),
        ("table2", ["--device", "abacus"], "device 'abacus' cannot be used here"),
        ("table2", ["--recipe", "nosuch.toml"], "cannot read recipe nosuch.toml"),
        ("table1", ["--losses", "bce"], "no loss to compare: table1 takes bce+dsad and bce+ddcsad"),
        ("table1", [], "say which machines to choose on (--validation)"),
        ("table1", ["--validation", "synth_fan/id_7"], "synth_fan/id_7, to choose alpha on"),
    ],
)
def test_what_cannot_be_done_exits_2_and_leaves_nothing(
    rattle: Any, data: Path, tiny_recipe_file: Path, tmp_path: Path,
    experiment: str, words: list[str], message: str,
) -> None:  # fmt: skip
    recipe = [] if "--recipe" in words else ["--recipe", tiny_recipe_file]
    out = tmp_path / "out"
    code, said, err = rattle("reproduce", experiment, data, "--out", out, *recipe, *words)
    assert (code, said) == (2, "")
    assert message in err
    assert not out.exists()


def test_data_that_are_not_there_are_told(rattle: Any, tmp_path: Path) -> None:
    code, _, err = rattle("reproduce", "table2", tmp_path / "nosuch", "--out", tmp_path / "out")
    assert code == 2
    assert "there is no such folder or CSV file" in err


@pytest.mark.parametrize(
    "words",
    [
        ["table3", "x"],
        ["table2", "x", "--losses", "guess"],
        ["table2", "x", "--baselines", "guess"],
        ["table2", "x", "--scale", "none"],
        ["table2", "x", "--seeds", "one"],
        ["table2", "x", "--workers", "many"],
    ],
)
def test_a_word_that_is_not_one_of_the_choices_is_refused(rattle: Any, words: list[str]) -> None:
    code, out, err = rattle("reproduce", *words)
    assert code != 0
    assert (out + err).strip()
    assert "bug" not in out + err


def test_another_recipe_in_the_same_folder_is_refused(rattle: Any, data: Path, whole: Path) -> None:
    before = results(whole)
    code, out, err = rattle("reproduce", "table2", data, "--out", whole, "--device", "cpu")
    assert (code, out) == (2, "")
    assert "holds experiments with another recipe" in err
    assert "another folder to write to (--recipe NAME, --out FOLDER)" in err
    assert results(whole) == before
