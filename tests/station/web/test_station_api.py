"""What programs are told, and what they may say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from made_up_station import MadeUpStation

from rattle.station.events import Event
from rattle.station.store.reading.incidents import reviews_of
from rattle.station.store.tables import IncidentRow
from rattle.station.web.app import build_app

NOBODY = "0" * 26


def test_machines_are_as_on_the_board(station: MadeUpStation, client: TestClient) -> None:
    machines = client.get("/api/v1/machines").json()["machines"]
    assert [each["name"] for each in machines] == ["press-3", "pump 7", "fan-1"]
    press = machines[0]
    assert press["level"] == "alarm"
    assert press["incident_id"] == station.incidents["open alarm"]
    assert press["operating"] == "running"
    assert press["false_alarms"] == {"week": 3, "four_weeks": 3}
    assert [source["state"] for source in press["sources"]] == ["live", "unfit"]
    assert machines[2]["stage"] == "learning"
    by_id = client.get(f"/api/v1/machines/{station.machines['press-3']}").json()
    assert by_id == client.get("/api/v1/machines/press-3").json() == press


def test_no_place_shows_a_password(client: TestClient) -> None:
    text = client.get("/api/v1/machines").text
    assert "rtsp://10.1.2.3/stream" in text
    assert "s3cretpassword" not in text
    assert "abcdefgh" not in text


def test_what_is_no_number_is_null(station: MadeUpStation, client: TestClient) -> None:
    station.context.board.set_source(station.sources["press cam"], y=float("-inf"))
    machine = client.get("/api/v1/machines/press-3")
    assert machine.json()["sources"][0]["y"] is None
    line = client.get("/api/v1/machines/fan-1/timeline").json()
    assert None in line["highest"]
    assert "NaN" not in machine.text


def test_a_timeline_goes_from_days_down_to_seconds(
    station: MadeUpStation, client: TestClient
) -> None:
    now = station.context.now()
    lengths = {}
    for span in (timedelta(days=7), timedelta(minutes=5)):
        asked = {"begin": (now - span).isoformat(), "end": now.isoformat(), "points": "300"}
        line = client.get("/api/v1/machines/press-3/timeline", params=asked).json()
        names = ("at", "highest", "lowest", "level_db", "running", "lost", "fitness", "operating")
        assert len({len(line[name]) for name in names}) == 1
        lengths[span] = line["step_s"]
    assert lengths == {timedelta(days=7): 2040, timedelta(minutes=5): 1}


def test_y_is_by_the_rule_of_the_machine(station: MadeUpStation, client: TestClient) -> None:
    now = station.context.now()
    asked = {"begin": (now - timedelta(minutes=5)).isoformat()}
    usual = client.get("/api/v1/machines/pump 7/timeline", params=asked).json()["highest"]
    machines = tuple(
        each.model_copy(update={"alarm": "1/1"}) for each in station.context.file.machine
    )
    file = station.context.file.model_copy(update={"machine": machines})
    other = TestClient(
        build_app(replace(station.context, file=file)),
        base_url="http://127.0.0.1:8765",
        client=("127.0.0.1", 1),
    )
    single = other.get("/api/v1/machines/pump 7/timeline", params=asked).json()["highest"]
    assert max(each for each in single if each) > max(each for each in usual if each)


@pytest.mark.parametrize(
    "asked",
    [
        {"begin": "2026-03-01T00:00:00"},
        {"begin": "2026-03-20T00:00:00Z", "end": "2026-03-19T00:00:00Z"},
        {"begin": "2020-03-20T00:00:00Z"},
        {"begin": "0001-01-01T00:00:00Z"},
        {"end": "9999-12-31T23:59:59-23:59"},
        {"points": "1000000"},
    ],
)
def test_a_span_that_is_none_is_refused(asked: dict[str, str], client: TestClient) -> None:
    for what in ("timeline", "thresholds"):
        assert client.get(f"/api/v1/machines/press-3/{what}", params=asked).status_code == 422


def test_unknown_machines_sources_and_incidents_are_not_found(client: TestClient) -> None:
    for path in (
        "machines/nothing",
        "machines/nothing/timeline",
        "machines/press-3/timeline?source=pump plc",
        f"incidents/{NOBODY}",
        "incidents?machine=nothing",
        "incidents?source=nothing",
        f"incidents?before={NOBODY}",
        "releases?machine=nothing",
    ):
        answer = client.get(f"/api/v1/{path}")
        assert answer.status_code == 404, path
        assert "no" in answer.json()["detail"]


def test_thresholds_come_with_their_reasons(client: TestClient) -> None:
    held = client.get("/api/v1/machines/press-3/thresholds").json()["thresholds"]
    assert {each["reason"] for each in held} >= {"reviewed"}
    mic = client.get("/api/v1/machines/press-3/thresholds", params={"source": "press mic"})
    assert mic.json()["thresholds"] == []


def test_pages_of_incidents_join(station: MadeUpStation, client: TestClient) -> None:
    read: list[str] = []
    asked: dict[str, str | int] = {"limit": 4}
    while True:
        page = client.get("/api/v1/incidents", params=asked).json()
        read += [each["id"] for each in page["incidents"]]
        if page["before"] is None:
            break
        asked["before"] = page["before"]
    moments = {station.incidents[word] for word in ("moment", "other moment")}
    assert sorted(read) == sorted({*station.incidents.values()} - moments)
    assert len(read) == len(set(read))
    found = client.get("/api/v1/incidents", params={"level": "moment"}).json()["incidents"]
    assert {each["id"] for each in found} == moments


def test_incidents_of_a_span_are_those_that_went_on_in_it(
    station: MadeUpStation, client: TestClient
) -> None:
    with station.context.database.reading() as session:
        fault = session.get_one(IncidentRow, station.incidents["fault"])
        opened, ended = fault.opened, fault.ended
    assert ended is not None
    second = timedelta(seconds=1)
    for begin, end, is_in in (
        (opened + second, ended - second, True),
        (opened - second, opened + second, True),
        (opened - second, opened - second, False),
        (ended + second, None, False),
    ):
        asked = {"begin": begin.isoformat()} | ({} if end is None else {"end": end.isoformat()})
        found = client.get("/api/v1/incidents", params=asked).json()["incidents"]
        assert (station.incidents["fault"] in {each["id"] for each in found}) is is_in
    # What goes on is in every span that has begun.
    asked = {"begin": station.context.now().isoformat()}
    found = client.get("/api/v1/incidents", params=asked).json()["incidents"]
    assert station.incidents["open alarm"] in {each["id"] for each in found}
    for asked in ({"begin": "0001-01-01T00:00:00+14:00"}, {"end": "9999-12-31T23:59:59-12:00"}):
        found = client.get("/api/v1/incidents", params=asked).json()["incidents"]
        assert station.incidents["fault"] in {each["id"] for each in found}
    assert client.get("/api/v1/incidents?begin=2026-03-20T00:00:00").status_code == 422


@pytest.mark.parametrize("by", ["id", "name"])
def test_incidents_of_one_source_are_listed_by_its_id_or_name(
    station: MadeUpStation, client: TestClient, by: str
) -> None:
    source = "press mic" if by == "name" else station.sources["press mic"]
    found = client.get("/api/v1/incidents", params={"source": source}).json()["incidents"]
    assert [each["id"] for each in found] == [station.incidents["microphone"]]


def test_an_incident_in_full_has_explanation_neighbours_and_reviews(
    station: MadeUpStation, client: TestClient
) -> None:
    found = client.get(f"/api/v1/incidents/{station.incidents['fault']}").json()
    assert found["explanation"]["sentences"]
    assert [each["verdict"] for each in found["reviews"]] == ["anomaly"]
    assert {each["incident"]["id"] for each in found["nearest"]} == {
        station.incidents[word] for word in ("false", "unsure", "old")
    }
    assert found["clips"][0]["sha256"] == station.clips["fault"]


def test_a_review_is_stored_told_and_taken_back(station: MadeUpStation, client: TestClient) -> None:
    events: list[Event] = []
    subscription = station.context.hub.subscribe(lambda: None)
    ids = [station.incidents["alarm"], station.incidents["watch"]]
    sent = {"incidents": [*ids, ids[0]], "verdict": "anomaly", "fault": "belt", "comment": "loose"}
    answer = client.post("/api/v1/reviews", json=sent)
    assert answer.status_code == 201
    reviews = answer.json()["reviews"]
    assert len(reviews) == 2
    assert station.plant.told == [tuple(ids)]
    events += subscription.take()
    assert [(each.kind, each.data["id"], each.data["verdict"]) for each in events] == [
        ("incident", ids[0], "anomaly"),
        ("incident", ids[1], "anomaly"),
    ]
    with station.context.database.reading() as session:
        said = reviews_of(session, ids[0])[0]
    assert (said.fault, said.comment, said.verdict) == ("belt", "loose", "anomaly")
    undone = client.post(f"/api/v1/reviews/{reviews[0]}/undo")
    assert undone.status_code == 201
    assert undone.json()["verdict"] is None
    assert station.plant.told[-1] == (ids[0],)
    again = client.post(f"/api/v1/reviews/{reviews[0]}/undo")
    assert again.status_code == 409
    assert "taken back already" in again.json()["detail"]


def test_a_line_break_is_one_character_of_a_comment(
    station: MadeUpStation, client: TestClient
) -> None:
    alarm = station.incidents["alarm"]
    sent = {"incidents": [alarm], "verdict": "normal", "comment": "x" * 1998 + "\r\ny"}
    assert client.post("/api/v1/reviews", json=sent).status_code == 201
    with station.context.database.reading() as session:
        assert reviews_of(session, alarm)[0].comment == "x" * 1998 + "\ny"


def test_of_many_reviews_all_are_stored_or_none(station: MadeUpStation, client: TestClient) -> None:
    sent = {"incidents": [station.incidents["alarm"], NOBODY], "verdict": "normal"}
    answer = client.post("/api/v1/reviews", json=sent)
    assert answer.status_code == 404
    assert f"{NOBODY!r}; nothing was stored" in answer.json()["detail"]
    with station.context.database.reading() as session:
        assert reviews_of(session, station.incidents["alarm"]) == []
    assert station.plant.told == []


@pytest.mark.parametrize(
    "sent",
    [
        {"incidents": [], "verdict": "normal"},
        {"incidents": [NOBODY], "verdict": "undo"},
        {"incidents": [NOBODY], "verdict": "normal", "who": "someone else"},
        {"incidents": [NOBODY] * 201, "verdict": "normal"},
        {"incidents": [NOBODY], "verdict": "normal", "comment": "x" * 2001},
        {"incidents": [NOBODY], "verdict": "normal", "comment": "a\x00b"},
        [],
    ],
)
def test_a_review_that_is_none_is_refused(sent: object, client: TestClient) -> None:
    assert client.post("/api/v1/reviews", json=sent).status_code == 422


def test_who_reviewed_is_the_account(
    station: MadeUpStation, tokens: dict[str, str], client: TestClient
) -> None:
    sent = {"incidents": [station.incidents["alarm"]], "verdict": "unsure"}
    headers = {"authorization": f"Bearer {tokens['reviewer']}"}
    assert client.post("/api/v1/reviews", json=sent, headers=headers).status_code == 201
    with station.context.database.reading() as session:
        assert reviews_of(session, station.incidents["alarm"])[0].who == "reviewer"


def test_a_tag_is_taken_of_a_machine_by_tag_alone(
    station: MadeUpStation, client: TestClient
) -> None:
    assert client.post("/api/v1/machines/pump 7/running", json={"running": False}).json() == {
        "running": False
    }
    assert station.plant.running == {station.machines["pump 7"]: False}
    answer = client.post("/api/v1/machines/press-3/running", json={"running": True})
    assert answer.status_code == 409
    assert '"by level"' in answer.json()["detail"]


def test_releases_are_of_all_machines_or_of_one(station: MadeUpStation, client: TestClient) -> None:
    assert len(client.get("/api/v1/releases").json()["releases"]) == 5
    of_one = client.get("/api/v1/releases", params={"machine": "fan-1"}).json()["releases"]
    assert [each["id"] for each in of_one] == [
        station.releases["encoder"],
        station.releases["offered"],
        station.releases["fan-1"],
    ]


def test_health_says_what_waits_and_what_goes_next(client: TestClient) -> None:
    health = client.get("/api/v1/health").json()
    assert health["writing"]["waiting"] == 2
    assert health["kept"]["victims"] == ["clips/ab/abcd.flac"]
    assert health["pages_open"] == 0


def test_every_field_of_the_api_is_described(client: TestClient) -> None:
    schema = client.get("/api/openapi.json").json()
    without = [
        f"{model}.{name}"
        for model, table in schema["components"]["schemas"].items()
        if not model.startswith(("HTTPValidation", "Validation"))
        for name, field in table.get("properties", {}).items()
        if "description" not in field
    ]
    assert without == []
    for path, methods in schema["paths"].items():
        for method, route in methods.items():
            assert route["description"], (method, path)
            for parameter in route.get("parameters", []):
                if parameter["in"] == "query":
                    assert parameter.get("description"), (path, parameter["name"])
