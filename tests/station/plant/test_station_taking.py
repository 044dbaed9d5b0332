"""What a worker sends is checked before it is offered, and is not taken for a job it lost."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from plant_kit import (
    RATE_HZ,
    Given,
    between,
    plant_file,
    remember_minutes,
    rows,
    say,
    started,
    waited_for,
)
from worker_kit import encoder, jobs

import rattle
from rattle.detector import Detector
from rattle.errors import BundleError, DataError
from rattle.runtime.scorer import Scorer
from rattle.station.plant.station import Plant
from rattle.station.store import jobs as store
from rattle.station.store.tables import ClipRow, JobRow, ReleaseRow
from rattle.worker.hear import hear

Send = Callable[..., bool]
WORKER = "a worker"


@pytest.fixture(scope="session")
def learnt_file(
    exported_file: Path, odd: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A bundle that learnt from the detector of ``exported_file``."""
    folder = tmp_path_factory.mktemp("learnt")
    soundfile.write(folder / "odd.wav", odd[: 10 * RATE_HZ], RATE_HZ)
    learnt = rattle.adapt(Detector.load(exported_file), [folder / "odd.wav"], device="cpu")
    rattle.export(learnt).save(folder / "learnt.rattle")
    return folder / "learnt.rattle"


@pytest.fixture
def plant(
    tmp_path: Path,
    exported_file: Path,
    healthy: np.ndarray,
    odd: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Plant]:
    """A plant whose incident was confirmed, and whose training a worker has begun."""
    monkeypatch.setattr("rattle.station.learn.incidents.TEST_SHARE", 10**12)
    file = plant_file(tmp_path / "data", exported_file)
    remember_minutes(file, between(exported_file, healthy, odd))
    source = Given()
    running = started(file, source)
    ended = source.put(odd, datetime.now(UTC) - timedelta(minutes=5))
    quiet = np.tile(healthy, 3)[: 80 * RATE_HZ]
    source.put(quiet.astype(np.float32), ended)
    waited_for(lambda: any(row.incident_id for row in rows(running, ClipRow)))
    say(running, "anomaly")
    waited_for(lambda: jobs(running, "waiting"))
    with running.database.writing() as session:
        now = datetime.now(UTC)
        store.claim(session, running.encoders.node, WORKER, now, timedelta(minutes=2), timedelta(0))
    yield running
    running.stop()


@pytest.fixture
def send(plant: Plant, tmp_path: Path, exported_file: Path) -> Send:
    """Send a bundle as a worker does; ``old`` is the one that it compares with."""

    def sent(bundle: Path, old: Path = exported_file, worker: str = WORKER) -> bool:
        (clip,) = {row.path for row in rows(plant, ClipRow) if row.incident_id}
        path = plant.file.data / clip
        hear(
            Scorer.load(old),
            Scorer.load(bundle),
            {path.name: path},
            tmp_path / "heard.npz",
            lambda _: None,
        )
        with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
            archive.write(bundle, "bundle.rattle")
            archive.write(tmp_path / "heard.npz", "heard.npz")
        (job,) = jobs(plant, "running")
        return plant.encoders.take(job.id, worker, tmp_path / "made.zip")

    return sent


def test_what_learnt_from_the_machines_bundle_is_offered(
    plant: Plant, send: Send, learnt_file: Path
) -> None:
    assert send(learnt_file)
    row: Any = waited_for(lambda: encoder(plant))
    assert row.identity == Scorer.load(learnt_file).identity
    (job,) = jobs(plant, "done")
    assert job.release_id == row.id


def test_the_bundle_itself_is_no_encoder_that_learnt(
    plant: Plant, send: Send, exported_file: Path
) -> None:
    with pytest.raises(DataError, match="expected one of synth_fan/id_00 that set out from"):
        send(exported_file)
    assert encoder(plant) is None


def test_what_is_no_zip_or_holds_no_bundle_is_refused_and_leaves_nothing(
    plant: Plant, tmp_path: Path
) -> None:
    (job,) = rows(plant, JobRow)
    folder = tmp_path / "sent"
    folder.mkdir()
    upload = folder / "made.zip"
    upload.write_bytes(b"nothing of a zip")
    with pytest.raises(DataError, match="cannot be read"):
        plant.encoders.take(job.id, WORKER, upload)
    np.savez(tmp_path / "none.npz", a=np.zeros(1))
    with zipfile.ZipFile(upload, "w") as archive:
        archive.writestr("bundle.rattle", b"no bundle")
        archive.write(tmp_path / "none.npz", "heard.npz")
    with pytest.raises(DataError, match="embeddings cannot be read"):
        plant.encoders.take(job.id, WORKER, upload)
    np.savez(
        tmp_path / "heard.npz",
        encoder=np.array("x"),
        names=np.array(["a"]),
        counts=np.array([1]),
        ends_s=np.zeros(1),
        old=np.zeros((1, 4), np.float16),
        new=np.zeros((1, 4), np.float16),
    )
    with zipfile.ZipFile(upload, "w") as archive:
        archive.writestr("bundle.rattle", b"no bundle")
        archive.write(tmp_path / "heard.npz", "heard.npz")
    with pytest.raises(BundleError):
        plant.encoders.take(job.id, WORKER, upload)
    assert [path.name for path in folder.iterdir()] == ["made.zip"]


def test_who_has_lost_the_job_brings_nothing(plant: Plant, send: Send, learnt_file: Path) -> None:
    assert not send(learnt_file, worker="another")
    assert encoder(plant) is None


def test_what_was_compared_with_another_encoder_is_dropped_and_trained_anew(
    plant: Plant, send: Send, learnt_file: Path
) -> None:
    assert send(learnt_file, old=learnt_file)
    (job,) = jobs(plant, "dropped")
    assert "another encoder came into use" in job.log
    waited_for(lambda: jobs(plant, "waiting"))
    assert not [row for row in rows(plant, ReleaseRow) if row.kind == "encoder"]


def test_of_a_verdict_that_was_changed_nothing_is_offered(
    plant: Plant, send: Send, learnt_file: Path
) -> None:
    say(plant, "normal")
    assert send(learnt_file)
    waited_for(lambda: "holds no more" in "".join(job.log for job in jobs(plant, "dropped")))
    assert not [row for row in rows(plant, ReleaseRow) if row.kind == "encoder"]
    waited_for(lambda: [*jobs(plant, "waiting")[0].learnt.values()] == ["normal"])
