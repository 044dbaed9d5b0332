"""The pages of reports, and the same by the API."""

from __future__ import annotations

from fastapi.testclient import TestClient
from made_up_station import NOW, MadeUpStation
from sqlalchemy import delete

from html_page import HtmlPage
from rattle.station.report.making import report_of
from rattle.station.report.said import said
from rattle.station.report.weeks import Week
from rattle.station.store.tables import (
    ClipRow,
    IncidentRow,
    MinuteRow,
    ReviewRow,
    StretchRow,
)


def read(client: TestClient, path: str, status: int = 200) -> HtmlPage:
    answer = client.get(path)
    assert answer.status_code == status
    return HtmlPage(answer.text)


def test_the_page_says_what_the_report_says(client: TestClient, station: MadeUpStation) -> None:
    page = read(client, "/reports/2026-W12")
    with station.context.database.reading() as session:
        # The week before this one is over: the clock goes on meanwhile.
        report = report_of(session, "hall-3", Week(2026, 12), NOW)
    document = said(report)
    assert document.title in page.said
    assert document.note in page.said
    for section in document.sections[1:]:
        assert section.title in page.said
        for table in section.tables:
            assert all(cell.text in page.said for row in table.rows for cell in row[:1])
    ids = {attributes.get("id") for attributes in page.all("section")}
    assert set(station.machines.values()) <= ids


def test_weeks_are_listed_and_lead_to_their_reports(client: TestClient) -> None:
    page = read(client, "/reports")
    links = [attributes["href"] for attributes in page.all("a")]
    for week in ("2026-W12", "2026-W11", "2026-W10"):
        assert f"/reports/{week}" in links
    assert "from Monday 16 March 2026, not over" in page.said
    links = [attributes["href"] for attributes in read(client, "/reports/2026-W11").all("a")]
    assert {"/reports/2026-W10", "/reports/2026-W12", "/reports"} <= set(links)
    assert "/reports/2026-W13" not in {
        a["href"] for a in read(client, "/reports/2026-W12").all("a")
    }


def test_wall_and_machine_lead_there(client: TestClient, station: MadeUpStation) -> None:
    assert "/reports" in {a["href"] for a in read(client, "/").all("a")}
    links = {a["href"] for a in read(client, "/machines/press-3").all("a")}
    assert f"/reports/2026-W12#{station.machines['press-3']}" in links


def test_a_week_that_is_none_or_has_not_begun_is_not_there(client: TestClient) -> None:
    assert "is no week; expected one as 2026-W12" in read(client, "/reports/nonsense", 404).said
    assert "That week has not begun" in read(client, "/reports/2026-W13", 404).said
    for week, status in (("2026-W13", 404), ("2025-W53", 404), ("nonsense", 422)):
        answer = client.get(f"/api/v1/reports/{week}", headers={"accept": "application/json"})
        assert answer.status_code == status


def test_a_plant_that_heard_nothing_yet_has_one_week_that_says_so(
    client: TestClient, station: MadeUpStation
) -> None:
    with station.context.database.writing() as session:
        for table in (StretchRow, ReviewRow, ClipRow, IncidentRow, MinuteRow):
            session.execute(delete(table))
    page = read(client, "/reports")
    assert "the first one goes on" in page.said
    assert "2026-W11" not in page.said
    assert "Nothing was heard of any machine" in read(client, "/reports/2026-W12").said


def test_the_api_gives_the_same_figures(client: TestClient, station: MadeUpStation) -> None:
    with station.context.database.reading() as session:
        report = report_of(session, "hall-3", Week(2026, 11), NOW)
    answer = client.get("/api/v1/reports/2026-W11").json()
    assert (answer["week"], answer["is_over"], answer["plant"]) == ("2026-W11", True, "hall-3")
    assert answer["heard"]["sound_s"] == report.heard.sound_s
    assert answer["watches"]["total"] == report.watches.total
    for machine, made in zip(answer["machines"], report.machines, strict=True):
        assert machine["name"] == made.name
        for name in ("expected", "allowed", "listened", "off_s", "unfit_s"):
            assert machine["heard"][name] == getattr(made.heard, name)
        assert [s["troubles"] for s in machine["sources"]] == [s.troubles for s in made.sources]
    weeks = client.get("/api/v1/reports").json()["weeks"]
    assert [each["week"] for each in weeks] == ["2026-W12", "2026-W11", "2026-W10"]
    assert weeks[0]["alarms"] == {
        "level": "alarm",
        "total": 4,
        "anomaly": 1,
        "normal": 1,
        "unsure": 0,
        "none": 2,
    }
