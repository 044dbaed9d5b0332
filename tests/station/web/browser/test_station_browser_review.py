"""The review by keyboard, as someone does it all day."""

from __future__ import annotations

import re

import numpy as np
from made_up_station import DIMENSIONS
from playwright.sync_api import Browser, Page, expect
from served_station import Served
from sqlalchemy import select, update

from rattle.station.store.tables import IncidentRow, ReleaseRow, ReviewRow

QUEUE = ".queue:not(.still) li"


def verdict_of(served: Served, word: str) -> tuple[str | None, str | None, str | None]:
    with served.station.context.database.reading() as session:
        row = session.get(IncidentRow, served.station.incidents[word])
        assert row is not None
        return row.verdict, row.fault, row.comment


def press(page: Page, key: str) -> None:
    """Press a key, as soon as the page listens to keys."""
    expect(page.locator("html")).to_have_attribute("data-keys", "on")
    page.keyboard.press(key)


def test_a_whole_queue_is_reviewed_by_keyboard(page: Page, served: Served) -> None:
    page.goto("/review")
    expect(page.locator(QUEUE)).to_have_count(6)
    expect(page.locator("h1")).to_have_text("Alarm: press-3")
    # Look around: down twice, up twice.
    at = served.station.incidents
    for key, word in (("j", "watch"), ("j", "moment"), ("k", "watch"), ("k", "open alarm")):
        press(page, key)
        expect(page.locator("[data-at]")).to_have_attribute("data-at", at[word])
    press(page, "f")
    page.keyboard.type("bearing")
    press(page, "Enter")
    press(page, "c")
    page.keyboard.type("it knocks: yes, really")
    press(page, "Escape")
    press(page, "y")
    expect(page.locator(".toast")).to_contain_text("press-3 called anomaly: bearing")
    assert verdict_of(served, "open alarm") == ("anomaly", "bearing", "it knocks: yes, really")
    expect(page.locator("[data-at]")).to_have_attribute("data-at", at["watch"])
    press(page, "u")
    for word in ("moment", "old", "other moment", "alarm"):
        expect(page.locator("[data-at]")).to_have_attribute("data-at", at[word])
        press(page, "n")
    expect(page.locator("h1")).to_have_text("Nothing waits for you")
    assert [verdict_of(served, word)[0] for word in ("alarm", "watch", "old", "moment")] == [
        "normal",
        "unsure",
        "normal",
        "normal",
    ]
    assert served.said == []


def test_what_was_said_is_taken_back_by_a_key(page: Page, served: Served) -> None:
    page.goto("/review")
    press(page, "n")
    expect(page.locator(".toast")).to_contain_text("called normal")
    press(page, "z")
    expect(page.locator(".toast")).to_have_count(0)
    # The incident stands there again, to be judged anew.
    at = served.station.incidents["open alarm"]
    expect(page.locator("[data-at]")).to_have_attribute("data-at", at)
    expect(page.locator(QUEUE)).to_have_count(6)
    assert verdict_of(served, "open alarm") == (None, None, None)
    with served.station.context.database.reading() as session:
        rows = session.scalars(select(ReviewRow).where(ReviewRow.incident_id == at)).all()
    assert sorted(row.verdict for row in rows) == ["normal", "undo"]
    assert served.station.plant.told == [(at,), (at,)]


def test_marked_incidents_get_one_verdict_and_lose_it_together(page: Page, served: Served) -> None:
    page.goto("/review")
    press(page, "x")
    # The second step comes while the first is on its way.
    press(page, "j")
    page.keyboard.press("j")
    at = served.station.incidents
    expect(page.locator("[data-at]")).to_have_attribute("data-at", at["moment"])
    press(page, "k")
    expect(page.locator("[data-at]")).to_have_attribute("data-at", at["watch"])
    press(page, "x")
    expect(page.locator("[data-marked]")).to_have_text("2 marked")
    press(page, "n")
    expect(page.locator(".toast")).to_contain_text("2 incidents called normal")
    expect(page.locator(QUEUE)).to_have_count(4)
    assert [verdict_of(served, word)[0] for word in ("open alarm", "alarm", "watch")] == [
        "normal",
        None,
        "normal",
    ]
    # No mark is left, so that the next verdict is on one incident alone.
    expect(page.locator("[data-marked]")).to_have_text("Mark several")
    press(page, "z")
    expect(page.locator(QUEUE)).to_have_count(6)
    assert [verdict_of(served, word)[0] for word in ("open alarm", "watch")] == [None, None]


def test_a_fault_and_a_comment_are_said_of_all_that_are_marked(page: Page, served: Served) -> None:
    page.goto("/review")
    press(page, "x")
    press(page, "f")
    page.keyboard.type("bearing")
    press(page, "Enter")
    # What is typed of all stays while one goes on to mark another.
    press(page, "j")
    at = served.station.incidents
    expect(page.locator("[data-at]")).to_have_attribute("data-at", at["watch"])
    press(page, "x")
    press(page, "c")
    page.keyboard.type("both knock")
    press(page, "Escape")
    press(page, "y")
    expect(page.locator(".toast")).to_contain_text("2 incidents called anomaly: bearing")
    for word in ("open alarm", "watch"):
        assert verdict_of(served, word) == ("anomaly", "bearing", "both knock")
    # The next verdict is on one incident alone, and nothing is said of it yet.
    expect(page.locator("#all-fault")).to_have_value("")
    expect(page.locator("#all-comment")).to_have_value("")
    assert served.said == []


def test_what_was_typed_of_the_question_goes_along_with_a_verdict_on_several(
    page: Page, served: Served
) -> None:
    page.goto("/review")
    press(page, "f")
    page.keyboard.type("bearing")
    press(page, "Enter")
    press(page, "x")
    press(page, "c")
    page.keyboard.type("it knocks")
    press(page, "Escape")
    press(page, "y")
    expect(page.locator(".toast")).to_contain_text("press-3 called anomaly: bearing")
    assert verdict_of(served, "open alarm") == ("anomaly", "bearing", "it knocks")


def test_enter_in_a_field_gives_no_verdict_on_any_page(chromium: Browser, served: Served) -> None:
    alarm = served.station.incidents["open alarm"]
    for scripts in (True, False):
        context = chromium.new_context(base_url=served.address, java_script_enabled=scripts)
        page = context.new_page()
        for path in (f"/incidents/{alarm}", f"/review?at={alarm}", "/incidents?verdict=none"):
            page.goto(path)
            for box in page.get_by_role("checkbox").all():
                box.check()
            for name in page.get_by_label("Name of the fault").all():
                name.fill("bearing")
                name.press("Enter")
        context.close()
    assert verdict_of(served, "open alarm") == (None, None, None)


def alike_ones(served: Served) -> None:
    """Let the alarm and the old watch sound like the alarm that goes on."""
    at = served.station.incidents
    like = [at[word] for word in ("open alarm", "alarm", "old")]
    z = np.ones(DIMENSIONS, "<f2").tobytes()
    with served.station.context.database.writing() as session:
        session.execute(update(IncidentRow).where(IncidentRow.id.in_(like)).values(peak_z=z))
        session.execute(update(ReleaseRow).values(report={"alike": {"within": 0.5}}))


def verdicts(served: Served) -> list[str | None]:
    return [verdict_of(served, word)[0] for word in ("open alarm", "alarm", "old", "watch")]


def test_alike_ones_get_one_verdict_by_one_key_and_lose_it_together(
    page: Page, served: Served
) -> None:
    alike_ones(served)
    page.goto("/review")
    expect(page.locator(QUEUE)).to_have_count(4)
    expect(page.locator("[data-alike]")).to_have_count(2)
    press(page, "f")
    page.keyboard.type("bearing")
    press(page, "Enter")
    press(page, "y")
    expect(page.locator(".toast")).to_contain_text("3 incidents called anomaly")
    assert verdicts(served) == ["anomaly", "anomaly", "anomaly", None]
    assert verdict_of(served, "old")[1] == "bearing"
    expect(page.locator("[data-at]")).to_have_attribute(
        "data-at", served.station.incidents["watch"]
    )
    press(page, "z")
    expect(page.locator("[data-alike]")).to_have_count(2)
    assert verdicts(served) == [None] * 4
    assert served.said == []


def test_an_alike_one_is_played_and_left_out_by_keys(page: Page, served: Served) -> None:
    alike_ones(served)
    page.goto("/review")
    press(page, "ArrowRight")
    first = page.locator("[data-alike]").first
    expect(first).to_have_class(re.compile("heard"))
    expect(first.locator(".cursor")).to_be_visible()
    press(page, "e")
    expect(first.get_by_role("checkbox")).not_to_be_checked()
    press(page, "n")
    expect(page.locator(".toast")).to_contain_text("2 incidents called normal")
    assert sorted(map(str, verdicts(served))) == ["None", "None", "normal", "normal"]
    assert verdict_of(served, "open alarm")[0] == "normal"


def test_all_alike_ones_are_left_out_by_a_key(page: Page, served: Served) -> None:
    alike_ones(served)
    page.goto("/review")
    press(page, "a")
    press(page, "n")
    expect(page.locator(".toast")).to_contain_text("press-3 called normal")
    assert verdicts(served) == ["normal", None, None, None]


def test_a_mark_in_the_queue_stands_for_a_whole_group(page: Page, served: Served) -> None:
    alike_ones(served)
    page.goto("/review")
    press(page, "x")
    expect(page.locator("[data-marked]")).to_have_text("3 marked")
    press(page, "u")
    expect(page.locator(".toast")).to_contain_text("3 incidents called unsure")


def test_space_plays_the_recording_and_the_cursor_moves(page: Page, served: Served) -> None:
    page.goto("/review")
    cursor = page.locator("[data-main] .cursor")
    expect(cursor).to_be_hidden()
    press(page, " ")
    expect(cursor).to_be_visible()
    expect(cursor).to_have_attribute("style", re.compile(r"translateX\((?!0\.0px)"))
    press(page, " ")
    assert page.locator("[data-main] audio").evaluate("audio => audio.paused")


def test_a_letter_in_a_field_is_a_letter(page: Page, served: Served) -> None:
    page.goto("/review")
    page.locator("#comment").click()
    page.keyboard.type("jynuzx?")
    expect(page.locator("#comment")).to_have_value("jynuzx?")
    expect(page.locator(QUEUE)).to_have_count(6)
    assert verdict_of(served, "open alarm")[0] is None


def test_the_keys_are_listed_on_asking(page: Page) -> None:
    page.goto("/review")
    press(page, "?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    press(page, "?")
    expect(page.locator("#keys")).to_be_hidden()


def test_a_verdict_of_another_tab_reaches_the_queue_and_leaves_what_is_written(
    page: Page, served: Served
) -> None:
    page.goto("/review")
    page.locator("#comment").fill("half a sentence")
    expect(page.locator("#live")).to_have_text("live")
    other = page.context.new_page()
    other.goto(f"/review?at={served.station.incidents['watch']}")
    press(other, "n")
    expect(other.locator(".toast")).to_be_visible()
    expect(page.locator(QUEUE)).to_have_count(5)
    expect(page.locator("[data-live=to-review]")).to_have_text("3")
    expect(page.locator("#comment")).to_have_value("half a sentence")


def test_several_are_marked_and_judged_in_the_list(page: Page, served: Served) -> None:
    page.goto("/incidents?verdict=none")
    boxes = page.get_by_role("checkbox")
    expect(boxes).to_have_count(4)
    for number in (1, 2):
        boxes.nth(number).check()
    page.get_by_label("Name of the fault").fill("belt")
    page.get_by_label("Comment").fill("it squeals")
    page.get_by_role("button", name="Unsure").click()
    expect(page.locator(".toast")).to_contain_text("2 incidents called unsure: belt")
    with served.station.context.database.reading() as session:
        said = select(ReviewRow.verdict, ReviewRow.comment).where(ReviewRow.fault == "belt")
        assert session.execute(said).all() == [("unsure", "it squeals")] * 2
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_have_count(0)
    page.goto("/incidents?verdict=unsure")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_what_is_marked_in_the_list_stays_marked_when_the_list_is_replaced(
    page: Page, served: Served
) -> None:
    alarm, watch = served.station.incidents["alarm"], served.station.incidents["watch"]
    page.goto("/incidents")
    expect(page.locator("#live")).to_have_text("live")
    page.locator(f'[value="{alarm}"]').check()
    with served.station.context.database.writing() as session:
        session.execute(
            update(IncidentRow).where(IncidentRow.id == watch).values(comment="it squeals")
        )
    served.station.context.hub.publish("incident", id=watch)
    expect(page.locator("tbody")).to_contain_text("it squeals")
    expect(page.locator(f'[value="{alarm}"]')).to_be_checked()


def test_a_double_tap_says_it_once(page: Page, served: Served) -> None:
    page.goto("/review")
    expect(page.locator("html")).to_have_attribute("data-keys", "on")
    page.locator("#say").get_by_role("button", name="Normal").dblclick()
    expect(page.locator(".toast")).to_contain_text("called normal")
    with served.station.context.database.reading() as session:
        said = select(ReviewRow).where(
            ReviewRow.incident_id == served.station.incidents["open alarm"]
        )
        assert len(session.scalars(said).all()) == 1


def test_what_comes_while_nothing_waits_is_shown(page: Page, served: Served) -> None:
    database = served.station.context.database
    with database.writing() as session:
        session.execute(update(IncidentRow).values(verdict="normal"))
    page.goto("/review")
    expect(page.locator("h1")).to_have_text("Nothing waits for you")
    expect(page.locator("#live")).to_have_text("live")
    alarm = served.station.incidents["alarm"]
    with database.writing() as session:
        session.execute(update(IncidentRow).where(IncidentRow.id == alarm).values(verdict=None))
    served.station.context.hub.publish("incident", id=alarm)
    expect(page.locator("h1")).to_have_text("Alarm: press-3")
    expect(page.locator("[data-at]")).to_have_attribute("data-at", alarm)
