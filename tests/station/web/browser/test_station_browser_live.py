"""What is live: scores, incidents, and eight tabs at once."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import BrowserContext, Page, expect
from served_station import Served

HIDE = (
    "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
    " document.dispatchEvent(new Event('visibilitychange')); }"
)

# Count what is hatched of the course: time in which nothing was heard.
COUNT_HATCHED = """
hatched = 0;
const fill = CanvasRenderingContext2D.prototype.fillRect;
CanvasRenderingContext2D.prototype.fillRect = function (...of) {
  if (this.fillStyle instanceof CanvasPattern) hatched += 1;
  fill.apply(this, of);
};
"""


def publish_score(served: Served, y: float, later_s: float = 0.0) -> None:
    station = served.station
    station.context.hub.publish(
        "score",
        machine=station.machines["pump 7"],
        source=station.sources["pump plc"],
        at=(station.context.now() + timedelta(seconds=later_s)).isoformat(),
        score=y + 0.1,
        y=y,
        level_db=-21.6,
        alarm=1.3,
        watch=0.98,
    )


def test_a_score_arrives_on_the_wall(page: Page, served: Served) -> None:
    page.goto("/")
    tile = page.locator(".tile", has_text="pump 7")
    expect(tile.locator("[data-now=score]")).to_have_text("0.52")
    expect(page.locator("#live")).to_have_text("live")
    publish_score(served, 0.871)
    expect(tile.locator("[data-now=score]")).to_have_text("0.87")
    expect(tile.locator("[data-now=level]")).to_have_text("−22 dB")
    assert served.said == []


def test_a_score_arrives_at_the_machine(page: Page, served: Served) -> None:
    page.goto("/machines/pump 7")
    expect(page.locator("#live")).to_have_text("live")
    bar = page.locator("[data-now=bar]")
    expect(bar).to_have_attribute("class", "now")
    publish_score(served, 1.4)
    expect(page.locator("[data-now=score]")).to_have_text("1.40")
    expect(bar).to_have_attribute("class", "over")


def test_an_alarm_appears_on_the_wall_as_its_first_tile(page: Page, served: Served) -> None:
    station = served.station
    station.context.board.set_machine(station.machines["press-3"], level=None, incident_id=None)
    page.goto("/")
    expect(page.locator("#live")).to_have_text("live")
    expect(page.locator(".tile.alarm")).to_have_count(0)
    # It is calm again at this moment, and the alarm goes on.
    station.context.board.set_machine(station.machines["pump 7"], level="alarm")
    station.context.hub.publish("machine", id=station.machines["pump 7"], level="alarm")
    expect(page.locator(".tile").first).to_contain_text("pump 7")
    expect(page.locator(".tile").first).to_have_class(re.compile("alarm"))
    expect(page.locator("h1")).to_have_text("Alarm: pump 7 sounded anomalous.")


def test_eight_tabs_at_once_are_all_served_and_one_stream_is_open(
    wide: BrowserContext, served: Served
) -> None:
    tabs = []
    for number in range(8):
        # A tab that comes to the front hides the one before it.
        if tabs:
            tabs[-1].evaluate(HIDE, True)
        tab = served.watched(wide.new_page())
        tab.goto("/" if number % 2 else "/review")
        expect(tab.locator("#live")).to_have_text("live")
        tabs.append(tab)
    assert len(served.app.state.streams) == 1
    tabs[-1].evaluate(HIDE, True)
    served.station.context.board.set_machine(served.station.machines["pump 7"], level="watch")
    # One that is looked at again asks for what it missed.
    tabs[1].evaluate(HIDE, False)
    expect(tabs[1].locator(".tile.watch")).to_contain_text("pump 7")
    assert served.said == []


def test_a_page_that_lost_events_asks_anew(page: Page, served: Served) -> None:
    page.goto("/")
    expect(page.locator("#live")).to_have_text("live")
    served.station.context.board.set_source(served.station.sources["fan mic"], minutes=77)
    served.station.context.hub.publish("resync")
    expect(page.locator(".tile", has_text="fan-1")).to_contain_text("77 of 120 minutes")


def test_the_course_is_zoomed_down_to_seconds(page: Page, served: Served) -> None:
    page.goto("/machines/press-3?span=week")
    plot = page.locator("[data-timeline]")
    expect(plot).to_have_attribute("data-ready", "yes")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for _ in range(9):
        with page.expect_response(lambda answer: "/timeline?" in answer.url):
            page.get_by_role("button", name="Zoom in").click()
    with page.expect_response(lambda answer: "/timeline?" in answer.url) as answer:
        page.get_by_role("button", name="Zoom in").click()
    assert answer.value.json()["step_s"] == 1
    assert served.said == []


def test_the_minute_that_is_not_over_is_not_drawn_as_one_without_sound(
    page: Page, served: Served
) -> None:
    page.add_init_script(COUNT_HATCHED)
    page.goto("/machines/pump 7?span=hour")
    expect(page.locator("[data-timeline]")).to_have_attribute("data-ready", "yes")
    expect(page.locator("#live")).to_have_text("live")
    for y, later_s in ((0.5, 5), (0.6, 10), (0.7, 15)):
        publish_score(served, y, later_s)
        expect(page.locator("[data-now=score]")).to_have_text(f"{y:.2f}")
    assert page.evaluate("hatched") == 0
    # Once the minute is stored, it takes the place of what was live.
    with page.expect_response(lambda answer: "/timeline?" in answer.url):
        publish_score(served, 0.8, 80)
    expect(page.locator("[data-timeline]")).to_have_attribute("data-ready", "yes")
    with page.expect_response(lambda answer: "/timeline?" in answer.url):
        publish_score(served, 0.9, 160)
    assert served.said == []


def test_a_click_on_an_incident_in_the_course_leads_to_it(page: Page, served: Served) -> None:
    page.goto("/machines/press-3?span=day")
    expect(page.locator("[data-timeline]")).to_have_attribute("data-ready", "yes")
    over = page.locator(".u-over")
    box = over.bounding_box()
    assert box is not None
    # The alarm of 20 hours ago, in a course of 24.
    over.click(position={"x": box["width"] * 4.1 / 24, "y": box["height"] / 2})
    expect(page).to_have_url(f"{served.address}/incidents/{served.station.incidents['alarm']}")
