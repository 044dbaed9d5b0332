"""What Prometheus and whoever watches the process are told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from made_up_station import MadeUpStation
from prometheus_client.parser import text_string_to_metric_families

LABELS = ("machine", "source", "state", "kind", "level")


def samples(client: TestClient) -> dict[tuple[str, ...], float]:
    found = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            labels = [sample.labels[name] for name in LABELS if name in sample.labels]
            found[(sample.name, *labels)] = sample.value
    return found


def test_each_source_is_in_one_state(station: MadeUpStation, client: TestClient) -> None:
    found = samples(client)
    assert found["rattle_source_state", "press-3", "press mic", "unfit"] == 1
    assert found["rattle_source_state", "press-3", "press mic", "live"] == 0
    for source in station.context.board.sources().values():
        of_source = [key for key in found if key[2:3] == (source.name,)]
        states = [found[key] for key in of_source if key[0] == "rattle_source_state"]
        assert sum(states) == 1


def test_figures_are_those_of_the_board_and_the_health(
    station: MadeUpStation, client: TestClient
) -> None:
    found = samples(client)
    assert found["rattle_source_minutes", "press-3", "press cam"] == 20_400
    assert found["rattle_source_dropped_seconds_total", "press-3", "press cam"] == 10
    assert found["rattle_source_lag_seconds", "press-3", "press cam"] == 0.2
    assert found["rattle_source_running", "pump 7", "pump plc"] == 1
    assert found["rattle_scribe_waiting",] == 2
    assert found["rattle_scribe_written_total",] == 120_345
    assert found["rattle_scribe_failing",] == 0
    assert found["rattle_pages_open",] == 0
    assert ("rattle_source_alarm_threshold", "fan-1", "fan mic") not in found, "still learning"
    station.plant.state = replace(
        station.plant.state, writing=replace(station.plant.state.writing, error="away")
    )
    assert samples(client)["rattle_scribe_failing",] == 1


def test_incidents_are_counted_by_machine_kind_and_level(client: TestClient) -> None:
    found = samples(client)
    assert found["rattle_incidents_total", "press-3", "machine", "alarm"] == 4
    assert found["rattle_incidents_total", "press-3", "microphone", "alarm"] == 1
    assert found["rattle_incidents_total", "pump 7", "machine", "watch"] == 2


@pytest.mark.parametrize("accept", [None, "application/openmetrics-text; version=1.0.0"])
def test_the_answer_says_what_it_is(accept: str | None, client: TestClient) -> None:
    answer = client.get("/metrics", headers={} if accept is None else {"accept": accept})
    assert answer.headers["content-type"].startswith("text/plain; version=")


def test_it_is_ready_where_a_source_is_heard(station: MadeUpStation, client: TestClient) -> None:
    assert client.get("/readyz").json() == {"database": True, "live_sources": 4}
    for source in station.sources.values():
        station.context.board.set_source(source, state="lost")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["live_sources"]) == (503, 0)
    assert client.get("/healthz").json() == {"status": "alive"}
