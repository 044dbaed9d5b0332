"""Tracking: what people watch is what ``metrics.jsonl`` holds, each step once."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rattle.cli import main
from rattle.cli.terminal.progress import TrainingProgress
from rattle.errors import RattleError, TrainingError
from rattle.learning.train import Step
from rattle.tracking import Tracker, TrackerName, flat, open_tracker

RUN = "synth_fan_id_00"
PARAMETERS = {"training.iterations": 8, "loss.name": "bce", "audio.own": True}


def steps(first: int, last: int, offset: float = 0.0) -> Iterator[Step]:
    return (Step(i, offset + i, None, offset + i / 2) for i in range(first, last + 1))


@pytest.fixture
def train(factory: Path, tiny_recipe_file: Path, tmp_path: Path):
    """``rattle train`` of the fan into ``runs``; returns the exit code."""

    def run(*words: str, machine: str = "synth_fan/id_00") -> int:
        given = ["--machine", machine, "--recipe", tiny_recipe_file, "--device", "cpu"]
        command = ["train", factory, *given, "--out", tmp_path / "runs", *words]
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in command])
        return ended.value.code

    return run


def tracker_in(folder: Path, name: TrackerName | None, title: str = "fan") -> Tracker:
    return open_tracker(
        name, title, PARAMETERS, tensorboard=folder / "tensorboard", mlflow=folder / "mlflow.json"
    )


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard shows: step and value by name."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        name: [(event.step, event.value) for event in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }


def logged(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What the run folder holds, in single precision as TensorBoard has it."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return {
        name: [(line["iteration"], pytest.approx(line[name], rel=1e-6)) for line in lines]
        for name in ("loss", "bce", "metric")
    }


def test_tensorboard_shows_the_curves_that_the_run_folder_holds(train, tmp_path: Path) -> None:
    assert train("--track", "tensorboard") == 0
    folder = tmp_path / "runs" / RUN
    found = curves(folder / "tensorboard")
    assert found.keys() == {"loss", "bce", "metric", "threshold", "alpha"}
    assert {name: found[name] for name in ("loss", "bce", "metric")} == logged(folder)
    assert len(found["loss"]) == 6
    assert len(found["threshold"]) == 1


def test_tensorboard_shows_the_runs_numbers(train, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    assert train("--track", "tensorboard", "--seed", "3") == 0
    events = EventAccumulator(str(tmp_path / "runs" / RUN / "tensorboard"))
    events.Reload()
    (text,) = events.Tensors("parameters/text_summary")
    table = text.tensor_proto.string_val[0].decode()
    for row in ("machine | synth_fan/id_00", "seed | 3", "work | train", "training.iterations | 6"):
        assert f"| {row} |" in table
    data = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    given = plugin_data_pb2.HParamsPluginData.FromString(data).session_start_info.hparams
    assert given["training.iterations"].number_value == 6
    assert given["network.blocks"].string_value == "(1, 1)"


def test_tensorboard_shows_a_step_that_was_done_again_once(tmp_path: Path) -> None:
    """As after a kill: the curves ran ahead of the checkpoint."""
    for first, last, offset in ((1, 5, 0.0), (4, 8, 100.0)):
        tracker = tracker_in(tmp_path, "tensorboard", "fan")
        for step in steps(first, last, offset):
            tracker.step(step)
        tracker.close()
    found = curves(tmp_path / "tensorboard")
    assert found["loss"] == [(1, 1), (2, 2), (3, 3), *((i, 100 + i) for i in range(4, 9))]
    assert found.keys() == {"loss", "metric"}


def test_ctrl_c_and_resume_give_one_curve(
    train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = TrainingProgress.on_step

    def interrupted(progress: TrainingProgress, step: Step) -> None:
        shown(progress, step)
        if step.iteration == 3:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingProgress, "on_step", interrupted)
        assert train("--track", "tensorboard") == 130
    folder = tmp_path / "runs" / RUN
    assert curves(folder / "tensorboard")["loss"] == logged(folder)["loss"]
    assert train("--track", "tensorboard", "--resume") == 0
    assert curves(folder / "tensorboard")["loss"] == logged(folder)["loss"]
    assert len(logged(folder)["loss"]) == 6
    before = sorted(folder.rglob("*tfevents*"))
    assert train("--track", "tensorboard", "--resume") == 0
    assert sorted(folder.rglob("*tfevents*")) == before


def test_an_adaptation_is_tracked_too(bundle_file: Path, factory: Path, tmp_path: Path) -> None:
    anomaly = min(factory.glob("dev_data/synth_fan/test/anomaly_*"))
    command = ["adapt", bundle_file, "--anomalies", anomaly, "--data", factory, "--device", "cpu"]
    command += ["--out", tmp_path / "adapted", "--track", "tensorboard"]
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in command])
    assert ended.value.code == 0
    folder = tmp_path / "adapted" / RUN
    assert curves(folder / "tensorboard")["loss"] == logged(folder)["loss"]


def test_a_refused_training_leaves_nothing(
    train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("--track", "tensorboard", machine="synth_fan/id_09") == 2
    assert "no clip of machine synth_fan/id_09" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_without_track_nothing_is_taken_down(train, tmp_path: Path) -> None:
    assert train() == 0
    names = {path.name for path in (tmp_path / "runs" / RUN).iterdir()}
    assert names == {"recipe.toml", "environment.json", "clips.csv", "metrics.jsonl"}


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_an_extra_that_is_not_installed_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = {"tensorboard": "event_files", "mlflow": "mlflow_run"}[name]
    monkeypatch.delitem(sys.modules, f"rattle.tracking.{ours}", raising=False)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(RattleError, match=rf"{name} takes more .*pip install 'rattle\[{name}\]'"):
        tracker_in(tmp_path, name, "fan")
    assert list(tmp_path.iterdir()) == []


def test_choosing_a_tracker_imports_none() -> None:
    code = "import sys, rattle.tracking; print({'torch', 'tensorboard', 'mlflow'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_nested_numbers_become_dotted_names() -> None:
    values = {
        "name": "x",
        "training": {"rate": 0.5, "on": True, "deep": {"blocks": (1, 2)}},
        "b": None,
    }
    assert flat(values) == {
        "name": "x",
        "training.rate": 0.5,
        "training.on": True,
        "training.deep.blocks": "(1, 2)",
        "b": "None",
    }


@pytest.fixture
def mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """MLflow's client on a database of the test's own; skipped where MLflow is not installed."""
    pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")  # mlflow-skinny has no database
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    from mlflow import MlflowClient

    return MlflowClient


def history(mlflow, name: str) -> list[list[tuple[int, float]]]:
    """Step and value of every run of the experiment."""
    client = mlflow()
    experiment = client.get_experiment_by_name("rattle").experiment_id
    runs = [run.info.run_id for run in client.search_runs([experiment])]
    return [[(m.step, m.value) for m in client.get_metric_history(run, name)] for run in runs]


def the_run(mlflow):
    client = mlflow()
    (run,) = client.search_runs([client.get_experiment_by_name("rattle").experiment_id])
    return run


@pytest.mark.filterwarnings("ignore")
def test_mlflow_gets_a_run_with_its_curves_numbers_and_result(mlflow, tmp_path: Path) -> None:
    tracker = tracker_in(tmp_path / "run", "mlflow", "fan train")
    for step in steps(1, 5):
        tracker.step(step)
    tracker.finish({"threshold": math.pi})
    tracker.close()
    run = the_run(mlflow)
    assert (run.info.run_name, run.info.status) == ("fan train", "FINISHED")
    assert run.data.params == {name: str(value) for name, value in PARAMETERS.items()}
    assert run.data.metrics == {"loss": 5, "metric": 2.5, "threshold": math.pi}
    assert history(mlflow, "loss") == [[(i, i) for i in range(1, 6)]]


@pytest.mark.filterwarnings("ignore")
def test_mlflow_goes_on_with_the_same_run_and_has_every_step_once(mlflow, tmp_path: Path) -> None:
    for first, last in ((1, 5), (4, 8)):
        tracker = tracker_in(tmp_path / "run", "mlflow", "fan train")
        for step in steps(first, last):
            tracker.step(step)
        tracker.close()
        assert the_run(mlflow).info.status == "KILLED"
    assert history(mlflow, "loss") == [[(i, i) for i in range(1, 9)]]


@pytest.mark.filterwarnings("ignore")
def test_a_server_that_fails_on_the_way_gets_its_figures_later(
    mlflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from mlflow.exceptions import MlflowException

    monkeypatch.setattr("rattle.tracking.mlflow_run.FLUSH_EVERY_S", 0.0)
    monkeypatch.setattr("rattle.tracking.mlflow_run.RETRY_AFTER_S", 0.0)
    tracker = tracker_in(tmp_path / "run", "mlflow", "fan train")
    sent = mlflow.log_batch

    def gone(*_: object, **__: object) -> None:
        raise MlflowException("no answer\nand more")

    for step in steps(1, 6):
        monkeypatch.setattr(mlflow, "log_batch", gone if step.iteration in (3, 4) else sent)
        tracker.step(step)
    tracker.close()
    warnings = [record.getMessage() for record in caplog.records if "rattle" in record.name]
    assert warnings == ["MLflow does not take the run down: no answer"] * 2
    assert history(mlflow, "loss") == [[(i, i) for i in range(1, 7)]]


@pytest.mark.filterwarnings("ignore")
def test_a_server_that_is_not_there_at_the_start_is_told(
    mlflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nosuch://server")
    tracker = tracker_in(tmp_path / "run", "mlflow", "fan train")
    with pytest.raises(TrainingError, match=r"MLflow cannot be used .*MLFLOW_TRACKING_URI"):
        tracker.step(next(steps(1, 1)))
    tracker.close()
    assert not (tmp_path / "run").exists()


@pytest.mark.filterwarnings("ignore")
def test_mlflow_is_told_not_to_report_its_use(mlflow, tmp_path: Path) -> None:
    code = (
        "import os; from pathlib import Path; from rattle.tracking import open_tracker; "
        "open_tracker('mlflow', 'fan', {}, tensorboard=Path('t'), mlflow=Path('m')); "
        "from mlflow.telemetry.utils import is_telemetry_disabled; print(is_telemetry_disabled())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
