"""Log in as someone does who was sent a link."""

from __future__ import annotations

from asked import PASSWORD, add_accounts
from playwright.sync_api import Page, expect
from served_station import Served


def test_a_link_asks_who_it_is_and_leads_on_after_the_right_password(
    page: Page, served: Served
) -> None:
    add_accounts(served.station)
    path = f"/incidents/{served.station.incidents['fault']}"
    page.goto(path)
    expect(page.get_by_role("heading", name="hall-3")).to_be_visible()
    assert "press-3" not in page.content()
    page.get_by_label("Name").fill("reviewer")
    page.get_by_label("Password").fill("a guess")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    # The name stays, and one goes on with the password.
    expect(page.get_by_label("Name")).to_have_value("reviewer")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Alarm: press-3")).to_be_visible()
    expect(page.locator("#live")).to_have_text("live")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="hall-3")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="hall-3")).to_be_visible()
    assert "press-3" not in page.content()


def test_a_worker_is_told_what_its_account_is_for_and_may_log_out(
    page: Page, served: Served
) -> None:
    add_accounts(served.station)
    page.goto("/login")
    page.get_by_label("Name").fill("worker")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("worker is a worker's account")
    assert "press-3" not in page.content()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()


def test_a_tab_whose_session_ended_asks_who_it_is(page: Page, served: Served) -> None:
    add_accounts(served.station)
    page.goto("/login")
    page.get_by_label("Name").fill("viewer")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_text("live")
    page.context.clear_cookies()
    served.station.context.hub.publish("plant")
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
