"""Forms store what people say, send them on, and can be taken back."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from fastapi.testclient import TestClient
from made_up_station import MadeUpStation
from sqlalchemy import select

from rattle.station.events import Event
from rattle.station.store.tables import IncidentRow, ReviewRow


def verdict_of(station: MadeUpStation, word: str) -> tuple[str | None, str | None]:
    with station.context.database.reading() as session:
        row = session.get(IncidentRow, station.incidents[word])
        assert row is not None
        return row.verdict, row.fault


def said(client: TestClient, path: str, status: int = 303, **fields: object) -> dict[str, str]:
    """Send a form; gives where it leads to, with what is asked there."""
    answer = client.post(path, data=fields, follow_redirects=False)
    assert answer.status_code == status, answer.text
    parts = urlsplit(answer.headers.get("location", ""))
    return {"path": parts.path, **{key: value[0] for key, value in parse_qs(parts.query).items()}}


def test_a_verdict_is_stored_told_and_leads_to_the_next(
    client: TestClient, station: MadeUpStation
) -> None:
    events: list[Event] = []
    subscription = station.context.hub.subscribe(lambda: None)
    this, following = station.incidents["open alarm"], station.incidents["alarm"]
    fields = {"verdict": "anomaly", "fault": " bearing ", "came_from": "review", "then": following}
    to = said(client, "/review/bulk", ids=[this], **fields)
    assert (to["path"], to["at"]) == ("/review", following)
    assert verdict_of(station, "open alarm") == ("anomaly", "bearing")
    with station.context.database.reading() as session:
        review = session.get(ReviewRow, to["done"])
        assert review is not None
        assert (review.incident_id, review.who) == (this, "someone at this computer")
    assert station.plant.told == [(this,)]
    events = subscription.take()
    assert [(each.kind, each.data["id"], each.data["verdict"]) for each in events] == [
        ("incident", this, "anomaly")
    ]


def test_after_a_verdict_stands_where_one_sees_what_is_learnt_from_it(
    client: TestClient, station: MadeUpStation
) -> None:
    link = '<a href="/machines/press-3#learning">What it learns</a>'
    for verdict, is_learnt in (("normal", True), ("unsure", False)):
        to = said(
            client,
            "/review/bulk",
            ids=[station.incidents["open alarm"]],
            verdict=verdict,
            came_from="review",
        )
        assert (link in client.get(f"/review?done={to['done']}").text) is is_learnt


def test_a_form_leads_to_no_place_but_an_incident(
    client: TestClient, station: MadeUpStation
) -> None:
    fields = {"verdict": "normal", "came_from": "review", "then": "//elsewhere.example"}
    assert "at" not in said(client, "/review/bulk", ids=[station.incidents["alarm"]], **fields)


def test_several_get_one_verdict_and_all_of_it_is_taken_back(
    client: TestClient, station: MadeUpStation
) -> None:
    words = ("open alarm", "watch")
    ids = [station.incidents[word] for word in words]
    to = said(client, "/review/bulk", ids=[*ids, ids[0]], verdict="normal", came_from="review")
    assert [verdict_of(station, word)[0] for word in words] == ["normal", "normal"]
    page = client.get(f"/review?done={to['done']}").text
    assert "2 incidents called" in page
    said(client, f"/reviews/{to['done']}/undo", whole="true", came_from="review")
    assert [verdict_of(station, word)[0] for word in words] == [None, None]


def test_one_review_of_several_is_taken_back_alone(
    client: TestClient, station: MadeUpStation
) -> None:
    ids = [station.incidents[word] for word in ("open alarm", "watch")]
    to = said(client, "/review/bulk", ids=ids, verdict="normal")
    said(client, f"/reviews/{to['done']}/undo")
    verdicts = [verdict_of(station, word)[0] for word in ("open alarm", "watch")]
    assert sorted(verdicts, key=str) == [None, "normal"]


def test_what_was_taken_back_once_is_refused_a_second_time(
    client: TestClient, station: MadeUpStation
) -> None:
    review = station.reviews["false"]
    assert said(client, f"/reviews/{review}/undo")["path"].startswith("/incidents/")
    assert verdict_of(station, "false") == (None, None)
    answer = client.post(f"/reviews/{review}/undo")
    assert answer.status_code == 404
    assert "taken back already" in answer.text


def test_a_line_break_is_one_character_of_a_comment(
    client: TestClient, station: MadeUpStation
) -> None:
    alarm = station.incidents["alarm"]
    # As browsers send a field of 2,000 characters: each line break is two.
    said(client, f"/incidents/{alarm}/review", verdict="normal", comment="x" * 1998 + "\r\ny")
    with station.context.database.reading() as session:
        row = session.get(IncidentRow, alarm)
        assert row is not None
        assert row.comment == "x" * 1998 + "\ny"


def test_what_is_too_long_is_said_in_words(client: TestClient, station: MadeUpStation) -> None:
    fields = {"verdict": "normal", "comment": "x" * 2001}
    answer = client.post(f"/incidents/{station.incidents['alarm']}/review", data=fields)
    assert answer.status_code == 422
    assert "The comment is longer than 2000 characters. Go back and shorten it." in answer.text
    fields = {"verdict": "perhaps"}
    answer = client.post(f"/incidents/{station.incidents['alarm']}/review", data=fields)
    assert "The verdict cannot be so: input should be" in answer.text
    assert "The verdict is missing." in client.post("/review/bulk").text


def test_nothing_is_stored_of_what_makes_no_sense(
    client: TestClient, station: MadeUpStation
) -> None:
    alarm = station.incidents["alarm"]
    said(client, "/incidents/none/review", 404, verdict="normal")
    said(client, f"/incidents/{alarm}/review", 422, verdict="perhaps")
    said(client, f"/incidents/{alarm}/review", 422, verdict="normal", fault="x" * 101)
    said(client, "/review/bulk", 400, verdict="normal")
    said(client, "/review/bulk", 404, verdict="normal", ids=[alarm, "none"])
    said(client, "/reviews/none/undo", 404)
    assert verdict_of(station, "alarm") == (None, None)
    assert station.plant.told == []
    with station.context.database.reading() as session:
        assert len(session.scalars(select(ReviewRow)).all()) == len(station.reviews)
