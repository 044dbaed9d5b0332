"""A page offers what the one who looks at it may do."""

from __future__ import annotations

from asked import Asking
from made_up_station import MadeUpStation

from html_page import HtmlPage


def read(asking: Asking, token: str, path: str) -> HtmlPage:
    answer = asking(authorization=f"Bearer {token}", accept="text/html").get(path)
    assert answer.status_code == 200
    return HtmlPage(answer.text)


def forms(page: HtmlPage) -> set[str]:
    return {str(form["action"]) for form in page.all("form") if "action" in form} - {"/logout"}


def test_a_viewer_listens_and_is_offered_no_verdict(
    station: MadeUpStation, tokens: dict[str, str], asking: Asking
) -> None:
    reviewed = f"/incidents/{station.incidents['fault']}"
    for path in ("/review", reviewed, "/incidents"):
        page = read(asking, tokens["viewer"], path)
        assert [button for button in page.all("button") if button.get("name") == "verdict"] == []
        assert page.all("audio") or path == "/incidents"
        assert "Outer race, changed on Monday." in page.said or path == "/review"
    assert forms(read(asking, tokens["viewer"], reviewed)) == set()


def test_a_reviewer_is_offered_verdicts_and_what_to_take_back(
    station: MadeUpStation, tokens: dict[str, str], asking: Asking
) -> None:
    incident = station.incidents["fault"]
    found = forms(read(asking, tokens["reviewer"], f"/incidents/{incident}"))
    assert found == {f"/incidents/{incident}/review", f"/reviews/{station.reviews['fault']}/undo"}


def test_only_an_admin_sees_who_has_an_account(tokens: dict[str, str], asking: Asking) -> None:
    said = {
        role: read(asking, tokens[role], "/settings").said for role in tokens if role != "worker"
    }
    assert "Accounts" in said["admin"]
    assert "reviewer" in said["admin"]
    assert "Accounts" not in said["viewer"] + said["reviewer"]
