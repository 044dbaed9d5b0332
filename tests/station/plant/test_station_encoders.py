"""Verdicts make a worker train the encoder; it is gated on kept sound, offered and chosen."""

from __future__ import annotations

import contextlib
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import requests
from plant_kit import (
    Given,
    rows,
    say,
    waited_for,
)
from worker_kit import encoder, jobs, keep_pieces, served, worker

from rattle.station.learn.pieces import read_heard
from rattle.station.plant.encoders import heard_of
from rattle.station.plant.station import Plant
from rattle.station.store import embedding_files, reviews
from rattle.station.store.tables import ClipRow, IncidentRow, ReleaseRow


def test_a_verdict_makes_a_worker_train_an_encoder_that_takes_over_with_its_past(
    hissed: tuple[Plant, Given],
) -> None:
    plant, _ = hissed
    say(plant, "anomaly")
    waited_for(lambda: jobs(plant, "waiting"))
    with served(plant) as address:
        page = requests.get(f"{address}/machines/fan", timeout=10).text
        assert "A training waits; start <code>rattle station-worker</code>" in page
        with worker(address):
            row: Any = waited_for(lambda: encoder(plant))
        page = requests.get(f"{address}/machines/fan", timeout=10).text
        assert "An encoder that learnt from 1 fault" in page
        assert "A head that learnt from 1 fault" in page
        log = requests.get(f"{address}/jobs", timeout=10).text
        assert "try 1 of 3" in log
    (job,) = jobs(plant, "done")
    assert job.release_id == row.id
    live = next(each for each in rows(plant, ReleaseRow) if each.state == "live")
    assert (row.state, row.parent_id) == ("candidate", live.id)
    assert row.encoder != live.encoder
    # Two of three hours are the gate's; what was learnt from is none of it.
    pieces = row.gate["pieces"]
    assert 30 <= pieces <= 48
    made = read_heard(heard_of(plant.file.data / row.path))
    assert sum(each.incident_id is None for each in made) == pieces
    assert row.gate["state"] == "not shown"
    assert any("of running are told of by kept sound" in each for each in row.gate["reasons"])

    plant.promote(row.id, "anna", "hears more")
    waited_for(lambda: plant.board.machines()[0].release_id == row.id)
    (ear,) = plant._ears.ears.values()
    ledger = ear._judge.ledger
    assert ledger.heard >= 3000  # it does not begin to learn anew
    confirmed = [each for each in ledger.incidents if each.verdict == "anomaly"]
    assert confirmed
    assert ledger.thresholds["alarm"].value < min(each.peak for each in confirmed)
    # The verdict stays, and is what the next head, of the new encoder, learns from.
    head: Any = waited_for(
        lambda: next(
            (r for r in rows(plant, ReleaseRow) if r.kind == "head" and r.parent_id == row.id), None
        )
    )
    assert head.encoder == row.encoder
    (source,) = plant.board.sources()
    until = datetime.now(UTC) + timedelta(minutes=10)
    stored = embedding_files.read(plant.file.data, source, until - timedelta(hours=2), until)
    assert row.encoder in {piece.encoder for piece in stored}
    # Its training is done: the same verdicts ask for no other.
    assert not jobs(plant, "waiting", "running")


def test_a_worker_that_is_killed_loses_its_lease_and_another_does_the_job(
    hissed: tuple[Plant, Given], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, _ = hissed
    monkeypatch.setattr("rattle.station.store.jobs.LEASE", timedelta(seconds=2))
    say(plant, "anomaly")
    with served(plant) as address:
        with worker(address) as first:
            (job,) = waited_for(lambda: [r for r in jobs(plant, "running") if r.progress >= 0])
            first.send_signal(signal.SIGKILL)
        assert encoder(plant) is None
        with worker(address):
            waited_for(lambda: encoder(plant))
    (done,) = jobs(plant, "done")
    assert (done.id, done.tries) == (job.id, 2)
    assert f"{job.worker} was not heard of any more" in done.log
    assert done.worker != job.worker


def test_what_cannot_be_trained_fails_with_a_reason_that_the_page_shows(
    hissed: tuple[Plant, Given],
) -> None:
    plant, _ = hissed
    for row in rows(plant, ClipRow):
        (plant.file.data / row.path).unlink()
    say(plant, "anomaly")
    with served(plant) as address, worker(address):
        (job,) = waited_for(lambda: jobs(plant, "failed"))
        page = requests.get(f"{address}/machines/fan", timeout=10).text
        log = requests.get(f"{address}/api/v1/jobs/{job.id}", timeout=10).json()["log"]
    assert job.tries == 1  # trying again is of no use
    assert "no recording is kept" in page
    assert "no recording is kept" in log


def test_a_worker_waits_for_a_station_that_is_away_and_sends_what_it_made(
    hissed: tuple[Plant, Given], healthy: np.ndarray
) -> None:
    plant, _ = hissed
    keep_pieces(plant, healthy, hours=150)  # to hear them takes a while
    say(plant, "anomaly")
    with contextlib.ExitStack() as at_work:
        with served(plant) as address:
            at_work.enter_context(worker(address))
            waited_for(lambda: [r for r in jobs(plant, "running") if "hear" in r.said])
        assert encoder(plant) is None
        time.sleep(1.0)
        with served(plant, address.removeprefix("http://")):
            waited_for(lambda: encoder(plant))
    (job,) = jobs(plant, "done")
    assert job.tries == 1


def test_an_encoder_of_a_verdict_that_is_taken_back_is_not_offered(
    hissed: tuple[Plant, Given],
) -> None:
    plant, _ = hissed
    review = say(plant, "anomaly")
    with served(plant) as address, worker(address):
        row: Any = waited_for(lambda: encoder(plant))
    with plant.database.writing() as session:
        reviews.undo(session, review, "anna", datetime.now(UTC))
    plant.reviewed([rows(plant, IncidentRow)[0].id])
    waited_for(lambda: encoder(plant).state == "superseded")  # type: ignore[union-attr]
    assert not (plant.file.data / row.path).exists()
    assert not heard_of(plant.file.data / row.path).exists()
