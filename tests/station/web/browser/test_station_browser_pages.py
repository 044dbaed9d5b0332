"""Every page: within the policy, on a phone, without scripts, for those who cannot see it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from busy_plant import LONG, fill_up
from every_page import WORDS, path_of
from made_up_station import NOW
from playwright.sync_api import Browser, Page, expect
from served_station import Served
from sqlalchemy import update

from rattle.station.store.tables import IncidentRow

NARROW = {"width": 390, "height": 844}
ACCESSIBLE = (Path(__file__).parent / "complaints.js").read_text()
FAINT = (Path(__file__).parent / "faint_text.js").read_text()


@pytest.fixture
def phone(chromium: Browser, served: Served) -> Iterator[Page]:
    context = chromium.new_context(viewport=NARROW, base_url=served.address, has_touch=True)
    yield served.watched(context.new_page())
    context.close()


def test_no_page_breaks_the_policy_or_logs_an_error(page: Page, served: Served) -> None:
    for word in WORDS:
        page.goto(path_of(word, served.station))
        expect(page.locator("h1")).to_be_visible()
        if word.startswith("machine"):
            expect(page.locator("[data-timeline]")).to_have_attribute("data-ready", "yes")
    refused = [said for said in served.said if "404" not in said]
    assert refused == []
    # The page that is not there is the one answer that is not found.
    assert len(served.said) == 1


def test_a_breach_of_the_policy_would_be_noticed(page: Page, served: Served) -> None:
    page.goto("/")
    page.locator("h1").evaluate("h1 => { h1.setAttribute('style', 'color: red'); }")
    expect(page.locator("h1")).to_be_visible()
    assert any("policy: style-src" in said or "Content Security" in said for said in served.said)


def test_no_page_is_wider_than_a_phone(phone: Page, served: Served) -> None:
    fill_up(served.station)
    for word in WORDS:
        phone.goto(path_of(word, served.station))
        expect(phone.locator("h1")).to_be_visible()
        beyond = phone.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert beyond <= 0, f"{word} is {beyond} pixels wider than a phone"


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (3840, 2160)])
@pytest.mark.parametrize("machines", [40, 120])
def test_a_wall_screen_shows_whole_tiles_and_a_crowd_without_scrolling(
    machines: int, width: int, height: int, chromium: Browser, served: Served
) -> None:
    names = tuple(
        f"Spindle drive of machining centre {n:03} in hall north" for n in range(machines)
    )
    fill_up(served.station, (*names, LONG), incidents=0)
    context = chromium.new_context(
        viewport={"width": width, "height": height}, base_url=served.address
    )
    page = context.new_page()
    page.goto("/")
    expect(page.locator(".tile")).to_have_count(machines + 4)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    cut = """tiles => tiles.flatMap(tile => [...tile.querySelectorAll("dl div, .state")]
        .filter(part => part.getBoundingClientRect().right > tile.getBoundingClientRect().right)
        .map(part => part.textContent))"""
    assert page.locator(".tile").evaluate_all(cut) == []
    if machines == 120:
        last = page.locator(".tile").last.bounding_box()
        assert last is not None
        assert last["y"] + last["height"] <= height
    context.close()


def test_verbs_on_a_phone_are_as_large_as_a_thumb_and_in_reach(phone: Page, served: Served) -> None:
    fill_up(served.station)
    phone.goto("/review")
    expect(phone.locator("html")).to_have_attribute("data-keys", "on")
    # What is to be judged is in sight, and not the list of what comes after it.
    assert phone.evaluate("scrollY") == 0
    for name in ("Anomaly", "Normal", "Unsure"):
        box = phone.locator("#say").get_by_role("button", name=name).bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["width"] >= 44
        # In sight without scrolling, in the lower half.
        assert NARROW["height"] / 2 < box["y"] < NARROW["height"] - box["height"]
    phone.locator("#say").get_by_role("button", name="Normal").tap()
    expect(phone.locator(".toast")).to_contain_text("called normal")


def test_a_screen_reader_finds_its_way(page: Page, served: Served) -> None:
    said = {}
    for word in WORDS:
        page.goto(path_of(word, served.station))
        found = page.evaluate(ACCESSIBLE)
        if found:
            said[word] = found
    assert said == {}


def test_what_a_screen_reader_stumbles_over_is_noticed(page: Page) -> None:
    page.goto("/")
    page.locator("main").evaluate("main => main.append(document.createElement('img'))")
    page.locator("main").evaluate("main => main.append(document.createElement('textarea'))")
    assert len(page.evaluate(ACCESSIBLE)) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_text_is_faint(scheme: str, chromium: Browser, served: Served) -> None:
    fill_up(served.station)
    context = chromium.new_context(color_scheme=scheme, base_url=served.address)
    page = context.new_page()
    faint = {}
    for word in WORDS:
        page.goto(path_of(word, served.station))
        expect(page.locator("h1")).to_be_visible()
        found = page.evaluate(FAINT)
        if found:
            faint[word] = found
    context.close()
    assert faint == {}


def test_a_faint_text_would_be_noticed(page: Page) -> None:
    page.goto("/")
    page.evaluate("document.querySelector('h1').style.color = 'rgb(200, 200, 200)'")
    assert len(page.evaluate(FAINT)) == 1


def test_every_page_reads_without_scripts(chromium: Browser, served: Served) -> None:
    context = chromium.new_context(java_script_enabled=False, base_url=served.address)
    page = context.new_page()
    reads = {
        "wall": "press-3",
        "machine": "fitted anew",
        "machine learning": "80 minutes more",
        "incidents": "A crane went by.",
        "no incidents": "None like that",
        "incident": "2026-03-20 14:22 UTC",
        "reviewed incident": "Outer race, changed on Monday.",
        "microphone incident": "is the microphone connected?",
        "review": "question 1 of 6",
        "release": "The bundle of plant.toml",
        "offered": "It would make something worse.",
        "offered encoder": "An encoder that learnt from",
        "jobs": "Trainings of encoders",
        "enrol": "is being recorded",
        "enrolment": "look at this",
        "enrolment offered": "half are found from",
        "enrolment failed": "are fit to be learnt from",
        "enrolment accepted": "is watched",
        "reports": "2026-W11",
        "report": "in which an alarm could be raised",
        "empty report": "Nothing was heard of any machine",
        "health": "1.3 GB",
        "settings": "false_alarms_per_week",
        "login": "Log in to see",
        "not found": "There is no such incident.",
    }
    for word in WORDS:
        page.goto(path_of(word, served.station))
        assert reads[word] in page.content(), word
    page.goto("/machines/press-3?span=week")
    expect(page.locator(".course polyline").first).to_be_attached()
    # And what is said is stored: the buttons are forms.
    page.goto("/review")
    page.locator("#say").get_by_role("button", name="Normal").click()
    expect(page.locator(".toast")).to_contain_text("called normal")
    page.get_by_role("button", name="Undo").first.click()
    expect(page.locator("main")).to_contain_text("question 1 of 6")
    context.close()


def test_times_are_shown_in_the_zone_of_the_reader(page: Page, served: Served) -> None:
    page.goto(f"/incidents/{served.station.incidents['open alarm']}")
    # 14:22 UTC, in Tokyo.
    expect(page.locator(".lead time")).to_contain_text("11:22")


def test_the_wall_says_the_day_of_what_has_not_begun_today(page: Page, served: Served) -> None:
    since = page.locator(".tile", has_text="press-3").locator(".since")
    page.goto("/")
    expect(since).to_have_text(re.compile(r"^since 11:22.PM$"))
    # In Tokyo the day begins at 15:00 UTC: this is of the day before.
    alarm = served.station.incidents["open alarm"]
    opened = NOW.replace(hour=14, minute=18) - timedelta(days=1)
    with served.station.context.database.writing() as session:
        session.execute(update(IncidentRow).where(IncidentRow.id == alarm).values(opened=opened))
    page.goto("/")
    expect(since).to_contain_text("Mar 19")
    expect(since).to_contain_text("11:18")
