"""Workers claim trainings, say how far they are, and bring what they made; pages show it."""

from __future__ import annotations

from fastapi.testclient import TestClient
from made_up_station import MadeUpEncoders, MadeUpStation, add_job
from prometheus_client.parser import text_string_to_metric_families

ME = {"worker": "hall-2:4711"}


def new_job(station: MadeUpStation, state: str = "running", machine: str = "press-3") -> str:
    with station.context.database.writing() as session:
        return add_job(session, station, state, machine)


def test_a_worker_takes_what_waits_and_reads_what_it_takes(
    station: MadeUpStation, client: TestClient
) -> None:
    id_ = new_job(station, "waiting")
    job = client.post("/api/v1/jobs/claim", json=ME).json()["job"]
    assert (job["id"], job["state"], job["worker"]) == (id_, "running", ME["worker"])
    assert client.post("/api/v1/jobs/claim", json=ME).json() == {"job": None}
    there = client.get(f"/api/v1/jobs/{id_}/material").json()
    assert there == {"recorded": [], "kept": []}
    (station.context.file.data / "base.rattle").write_bytes(b"a bundle")
    assert client.get(f"/api/v1/jobs/{id_}/files/base.rattle").content == b"a bundle"
    gone = client.get(f"/api/v1/jobs/{id_}/files/none.flac")
    assert gone.status_code == 404
    assert "not kept any more" in gone.json()["detail"]


def test_how_far_it_is_stands_on_the_pages_of_its_machine_and_of_all_trainings(
    station: MadeUpStation, client: TestClient
) -> None:
    id_ = new_job(station)
    told = {**ME, "progress": 0.61, "said": "the old and the new encoder hear 40 recordings"}
    assert client.post(f"/api/v1/jobs/{id_}/progress", json=told).json()["progress"] == 0.61
    for path in ("/machines/press-3", "/jobs"):
        text = client.get(path).text
        assert "the old and the new encoder hear 40 recordings" in text.replace("The", "the")
        assert "61 % done" in text


def test_a_job_that_is_another_workers_is_not_told_of(
    station: MadeUpStation, client: TestClient
) -> None:
    id_ = new_job(station)
    other = {"worker": "another", "progress": 0.5, "said": ""}
    answer = client.post(f"/api/v1/jobs/{id_}/progress", json=other)
    assert answer.status_code == 409
    assert "not this worker's any more" in answer.json()["detail"]
    why = {"worker": "another", "why": "no memory", "for_good": True}
    assert client.post(f"/api/v1/jobs/{id_}/failed", json=why).status_code == 409
    assert client.post(f"/api/v1/jobs/{'0' * 26}/failed", json=why).status_code == 404


def test_what_was_made_is_handed_on_whole_and_leaves_nothing_behind(
    station: MadeUpStation, client: TestClient
) -> None:
    id_ = new_job(station)
    encoders = station.context.encoders
    assert isinstance(encoders, MadeUpEncoders)
    sent = bytes(range(256)) * 2000  # more than any other address takes
    answer = client.post(f"/api/v1/jobs/{id_}/made", params=ME, content=sent)
    assert answer.status_code == 200
    assert encoders.taken == [(id_, ME["worker"], sent)]
    assert list((station.context.file.data / "jobs").iterdir()) == []


def test_what_is_no_encoder_is_refused_in_words(station: MadeUpStation, client: TestClient) -> None:
    encoders = station.context.encoders
    assert isinstance(encoders, MadeUpEncoders)
    encoders.refusal = "the bundle is damaged"
    answer = client.post(f"/api/v1/jobs/{new_job(station)}/made", params=ME, content=b"a zip")
    assert (answer.status_code, answer.json()) == (422, {"detail": "the bundle is damaged."})
    assert list((station.context.file.data / "jobs").iterdir()) == []


def test_a_failure_stands_on_the_page_with_its_log(
    station: MadeUpStation, client: TestClient
) -> None:
    id_ = new_job(station)
    why = {**ME, "why": "no memory is left", "for_good": True}
    assert client.post(f"/api/v1/jobs/{id_}/failed", json=why).json()["state"] == "failed"
    text = client.get("/machines/press-3").text
    assert "The last training of an encoder failed: no memory is left." in text
    assert f'href="/jobs#{id_}"' in text
    assert "no memory is left" in client.get(f"/api/v1/jobs/{id_}").json()["log"]


def test_that_nobody_trains_is_said_until_a_worker_was_there(
    station: MadeUpStation, client: TestClient
) -> None:
    new_job(station, "waiting")
    assert "start <code>rattle station-worker</code>" in client.get("/machines/press-3").text
    assert "No worker has asked" in client.get("/jobs").text
    client.post("/api/v1/jobs/claim", json={"worker": "hall-9"})
    new_job(station, "waiting", "fan-1")
    assert "hall-9" in client.get("/jobs").text
    assert "An encoder is trained soon" in client.get("/machines/fan-1").text


def test_both_candidates_stand_side_by_side_with_what_each_would_change(
    client: TestClient,
) -> None:
    text = client.get("/machines/fan-1").text
    assert "A head that learnt from 1 fault and 1 false alarm" in text
    assert "An encoder that learnt from 1 fault and 1 false alarm" in text
    assert "314 pieces of ten seconds, kept at random of 52 h of running" in text
    assert "402 h of stored sound" in text
    # Of what was not kept nothing is known: no rate of alarms.
    encoder = text.partition("An encoder that learnt")[2].partition("</li>")[0]
    assert "a week" not in encoder
    assert "pieces above the threshold" in encoder


def test_trainings_are_counted(station: MadeUpStation, client: TestClient) -> None:
    client.post("/api/v1/jobs/claim", json=ME)
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }
    assert found["rattle_jobs", "running"] == 1
    assert found["rattle_jobs", "waiting"] == 0
    assert found["rattle_workers",] == 1
