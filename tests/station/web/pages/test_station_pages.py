"""Every page as it is sent: whole, escaped, within the policy, and also of an empty plant."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from busy_plant import fill_up
from every_page import WORDS, path_of
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from made_up_station import MadeUpStation
from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from html_page import HtmlPage
from rattle.errors import StorageError
from rattle.station.ids import new_id
from rattle.station.store.database import Database
from rattle.station.store.tables import (
    ClipRow,
    IncidentRow,
    MinuteRow,
    ReleaseRow,
    ReviewRow,
    StretchRow,
    ThresholdRow,
)
from rattle.station.web.pages import routes
from rattle.station.web.pages.machine import MOST_THRESHOLDS

EVIL = "<script>alert('&')</script>"


def read(client: TestClient, path: str, status: int = 200) -> HtmlPage:
    answer = client.get(path)
    assert answer.status_code == status, path
    page = HtmlPage(answer.text)
    assert page.open == []
    return page


@pytest.mark.parametrize("word", WORDS)
def test_a_page_is_whole_and_has_nothing_in_line(
    word: str, client: TestClient, station: MadeUpStation
) -> None:
    page = read(client, path_of(word, station), 404 if word == "not found" else 200)
    assert [name for name, _ in page.elements if name == "style"] == []
    assert all(attributes.get("src") for attributes in page.all("script"))
    for name, attributes in page.elements:
        in_line = [key for key in attributes if key == "style" or key.startswith("on")]
        assert in_line == [], name


def test_every_page_that_there_is_is_among_those_that_are_looked_at(
    station: MadeUpStation,
) -> None:
    paths = {path_of(word, station).split("?")[0] for word in WORDS}
    shown = [route for page in routes.PAGES for route in page.router.routes]
    assert len(shown) > 10
    for route in shown:
        assert isinstance(route, APIRoute)
        if "GET" in route.methods and not route.path.startswith("/static"):
            assert any(route.path_regex.fullmatch(path) for path in paths), route.path


def test_what_people_and_machines_say_is_text_and_no_markup(
    client: TestClient, station: MadeUpStation
) -> None:
    with station.context.database.writing() as session:
        evil = {"fault": EVIL, "comment": EVIL, "verdict": "anomaly", "reason": EVIL}
        session.execute(update(IncidentRow).values(evil))
        session.execute(update(ReviewRow).values({"who": EVIL, "fault": EVIL, "comment": EVIL}))
        session.execute(update(ThresholdRow).values(reason=EVIL))
        explained = session.get(IncidentRow, station.incidents["open alarm"])
        assert explained is not None
        explained.explanation = {"sentences": [EVIL]}
    for source_id in station.sources.values():
        station.context.board.set_source(source_id, state="unfit", reason=EVIL)
    for word in WORDS:
        text = client.get(path_of(word, station)).text
        assert EVIL not in text, word
    assert "alert(&#39;&amp;&#39;)" in client.get("/incidents").text


def test_a_plant_that_heard_nothing_yet_says_what_to_do_next(
    client: TestClient, station: MadeUpStation
) -> None:
    with station.context.database.writing() as session:
        for table in (StretchRow, ReviewRow, ClipRow, IncidentRow, ThresholdRow, MinuteRow):
            session.execute(delete(table))
    board = station.context.board
    board.set_machine(station.machines["press-3"], level=None, incident_id=None)
    for source_id in station.sources.values():
        board.set_source(source_id, state="connecting", y=None, score=None, level_db=None)
    assert "Nothing waits for you" in read(client, "/review").said
    assert "No incident so far" in read(client, "/incidents").said
    machine = read(client, "/machines/press-3").said
    assert "nothing was scored in this time" in machine
    assert "connecting" in read(client, "/").said


def test_banners_are_on_every_page_but_before_the_login(
    client: TestClient, station: MadeUpStation
) -> None:
    station.plant.state = replace(station.plant.state, banners=("the disk is full",))
    for word in WORDS:
        status = 404 if word == "not found" else 200
        said = read(client, path_of(word, station), status).said
        assert ("the disk is full" in said) == (word != "login"), word
    assert "Something needs a hand" in read(client, "/health").said


def test_the_health_page_begins_with_what_is_not_heard(
    client: TestClient, station: MadeUpStation
) -> None:
    sources = station.context.board.sources()
    for each in sources:
        station.context.board.set_source(each, state="live", reason="")
    assert "Not everyone can be told" in read(client, "/health").said
    station.plant.state = replace(station.plant.state, channels=())
    assert "The station is well" in read(client, "/health").said
    first, second, *_ = sources
    station.context.board.set_source(first, state="lost", reason="no route to host")
    station.context.board.set_source(second, state="unfit", reason="silent")
    assert f"2 of {len(sources)} sources not heard" in read(client, "/health").said


def test_of_a_lost_source_nobody_is_asked_what_it_was(
    client: TestClient, station: MadeUpStation
) -> None:
    source, microphone, machine = (
        read(client, f"/incidents/{station.incidents[word]}").said
        for word in ("source", "microphone", "watch")
    )
    assert "What was it?" not in source
    assert "reviewed" not in source
    assert "Nobody has to say." in microphone
    assert "What was it?" in machine
    assert "Nobody has to say." not in machine


def test_what_is_not_there_is_said_with_a_way_on(client: TestClient) -> None:
    for path, said in (
        ("/machines/nobody", "No machine called nobody is listened to."),
        ("/machines/press-3?span=century", "no such source or span"),
        ("/machines/press-3?source=pump plc", "no such source or span"),
        ("/incidents/none", "There is no such incident."),
        ("/incidents?machine=nobody", "No machine called nobody"),
        ("/incidents?source=nothing", "No source called nothing"),
        ("/incidents?before=none", "is gone"),
        ("/review?at=none", "There is no such incident."),
        ("/nowhere", "There is nothing at this address."),
    ):
        page = read(client, path, 404)
        assert said in page.said
        assert [link for link in page.all("a") if link.get("class") == "button"], path
    assert client.get("/incidents?verdict=perhaps").status_code == 422


def test_filters_narrow_the_list_and_lead_back(client: TestClient) -> None:
    whole = read(client, "/incidents").tables[0]
    page = read(client, "/incidents?verdict=none&machine=press-3")
    assert 0 < len(page.tables[0].rows) < len(whole.rows)
    held = [link["href"] for link in page.all("a") if link.get("aria-current") == "true"]
    assert held == ["/incidents?verdict=none", "/incidents?machine=press-3"]
    page = read(client, "/incidents?source=press mic")
    assert len(page.tables[0].rows) == 2, "the head and the one of its microphone"
    assert "press mic" in page.said


def test_what_is_not_reviewed_is_as_many_as_are_said_to_wait(client: TestClient) -> None:
    page = read(client, "/incidents?verdict=none")
    assert "4 to review" in page.said
    assert len(page.tables[0].column("verdict")) == 4
    kinds = read(client, "/incidents?verdict=none&kind=microphone")
    assert len(kinds.tables[0].column("verdict")) == 1


def add_watches(station: MadeUpStation, count: int) -> None:
    """Let the press have that many more watches, all of one time."""
    with station.context.database.writing() as session:
        row = session.get_one(IncidentRow, station.incidents["watch"])
        values = {each.name: getattr(row, each.name) for each in IncidentRow.__table__.columns}
        press = {
            "machine_id": station.machines["press-3"],
            "source_id": station.sources["press cam"],
        }
        session.execute(
            insert(IncidentRow),
            [{**values, **press, "id": new_id(row.opened)} for _ in range(count)],
        )


def test_old_incidents_of_a_source_are_marked_however_many_others_there_are(
    client: TestClient, station: MadeUpStation
) -> None:
    with station.context.database.writing() as session:
        session.execute(
            update(IncidentRow)
            .where(IncidentRow.id == station.incidents["microphone"])
            .values(kind="machine", opened=station.context.now() - timedelta(days=6))
        )
    add_watches(station, 210)
    page = read(client, "/machines/press-3?span=week&source=press mic")
    marked = [str(link["href"]) for link in page.all("a") if "aria-label" in link]
    assert f"/incidents/{station.incidents['microphone']}" in marked


def test_an_alarm_is_marked_however_many_watches_came_since_and_what_is_not_is_said(
    client: TestClient, station: MadeUpStation
) -> None:
    def note_is_hidden(page: HtmlPage) -> bool:
        return ["hidden" in each for each in page.all("p") if "data-not-all" in each] == [True]

    assert note_is_hidden(read(client, "/machines/press-3?span=week"))
    add_watches(station, 210)
    page = read(client, "/machines/press-3?span=week")
    marked = [str(link["href"]) for link in page.all("a") if "aria-label" in link]
    assert f"/incidents/{station.incidents['fault']}" in marked
    assert not note_is_hidden(page)
    assert "Of each level the newest 200 incidents of this time are marked." in page.said


def test_a_long_list_goes_on_at_the_next_page(client: TestClient, station: MadeUpStation) -> None:
    fill_up(station, incidents=60)
    seen: list[str] = []
    path = "/incidents"
    while path:
        page = read(client, path)
        links = [str(link["href"]) for link in page.all("a")]
        seen += [link for link in links if link.startswith("/incidents/")]
        path = next((link for link in links if "before=" in link), "")
    assert len(seen) == len(set(seen)) == 60 + 1 + len(station.incidents) - 2


def test_the_queue_shows_where_one_is_and_what_comes_next(
    client: TestClient, station: MadeUpStation
) -> None:
    at = station.incidents
    page = read(client, f"/review?at={at['alarm']}")
    assert "question 4 of 6" in page.said
    moves = {link.get("data-key"): link["href"] for link in page.all("a") if "data-key" in link}
    assert moves == {"k": f"/review?at={at['moment']}", "j": f"/review?at={at['other moment']}"}
    # One that was reviewed meanwhile can still be looked at.
    assert "waits no more" in read(client, f"/review?at={at['fault']}").said


def test_the_recording_says_where_in_it_the_incident_begins(
    client: TestClient, station: MadeUpStation
) -> None:
    page = read(client, f"/incidents/{station.incidents['open alarm']}")
    assert "the incident begins 20 seconds into it" in page.said
    (begins, *_) = [each for each in page.all("path") if each.get("class") == "begins"]
    assert begins["d"] == "M66.67 0V100"


def test_a_recording_whose_file_is_gone_is_not_offered(
    client: TestClient, station: MadeUpStation
) -> None:
    with station.context.database.writing() as session:
        session.execute(update(ClipRow).values(missing=True))
    page = read(client, f"/incidents/{station.incidents['fault']}")
    assert page.all("audio") == []
    assert "gone from the disk" in page.said


def test_figures_of_the_machine_are_those_that_came(
    client: TestClient, station: MadeUpStation
) -> None:
    page = read(client, "/machines/press-3")
    # The open one, the one of yesterday, and the one that was a crane; the bearing was none.
    assert "3 alarms in 28 days that nobody confirmed, budget 4" in page.said
    promise = page.tables[0]
    # One of its sources is still learning: what that one will add is not known.
    assert [cell.text for cell in promise.column("expected a week")] == ["–", "–"]
    assert "A dash: one of them has no threshold yet" in page.said
    assert [cell.text for cell in promise.column("came in 7 days")] == ["3", "0"]


def test_a_source_keeps_its_promise_where_others_have_many_newer_thresholds(
    client: TestClient, station: MadeUpStation
) -> None:
    with station.context.database.writing() as session:
        held = session.get(ThresholdRow, station.thresholds["press cam", "alarm"])
        assert held is not None
        columns = {each.name: getattr(held, each.name) for each in ThresholdRow.__table__.columns}
        mic = {"source_id": station.sources["press mic"], "active_from": station.context.now()}
        ids = [new_id(station.context.now()) for _ in range(MOST_THRESHOLDS)]
        session.execute(insert(ThresholdRow), [{**columns, **mic, "id": each} for each in ids])
    promise = read(client, "/machines/press-3?source=press cam").tables[0]
    assert [cell.text for cell in promise.column("begins above")] == ["1.30", "0.98"]
    # Of both together, as the budget is.
    assert [cell.text for cell in promise.column("expected a week")] == ["1.4", "–"]


def test_a_rehearsal_is_shown_where_the_release_has_one(
    client: TestClient, station: MadeUpStation
) -> None:
    rehearsal = {
        "sentences": ["bearing: half are found from -6 dB on."],
        "levels_db": [-12.0, -6.0],
        "found": {"bearing": [0.2, 0.55]},
    }
    assert "rehearsal" not in read(client, "/machines/press-3").said
    with station.context.database.writing() as session:
        session.execute(update(ReleaseRow).values(report={"rehearsal": rehearsal}))
    said = read(client, "/machines/press-3").said
    assert "half are found from -6 dB on" in said
    assert "55" in said


def test_the_database_away_is_a_page_that_says_that_listening_goes_on(
    client: TestClient, station: MadeUpStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Database) -> Session:
        raise StorageError("the database does not answer")

    monkeypatch.setattr(Database, "reading", away)
    page = read(client, "/", 503)
    assert "The machines are still listened to" in page.said
    assert "hall-3" in page.said


def test_an_incident_that_went_on_for_days_is_shown_by_its_beginning(
    client: TestClient, station: MadeUpStation
) -> None:
    with station.context.database.writing() as session:
        session.execute(
            update(IncidentRow)
            .where(IncidentRow.id == station.incidents["fault"])
            .values(ended=station.context.now() - timedelta(hours=1))
        )
    assert "for 2 days 1 h" in read(client, f"/incidents/{station.incidents['fault']}").said
