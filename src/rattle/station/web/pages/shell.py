"""Put a page together: the bar, the banners, and what the page itself shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from fastapi import Request
from fastapi.responses import HTMLResponse

from rattle.pages.templates import page_template
from rattle.station.amounts_said import rate_said, score_said
from rattle.station.store.credentials import ROLES, Account, Role
from rattle.station.store.reading.queue import waiting_count
from rattle.station.web.context import Context
from rattle.version import VERSION

Here = Literal["wall", "incidents", "review", "health", "settings", ""]


@dataclass(frozen=True)
class Shell:
    """What every page shows around its own part.

    to_review: incidents that wait for a person; None where nobody may know. who: the account, ""
    where there are none or nobody is logged in. at: when the page was made.
    """

    plant: str
    title: str
    here: Here
    at: datetime
    banners: Sequence[str] = ()
    to_review: int | None = None
    who: str = ""
    may_review: bool = False
    may_administer: bool = False
    version: str = VERSION


def context_of(request: Request) -> Context:
    """Give what the page is made of."""
    context: Context = request.app.state.context
    return context


def who_of(request: Request) -> str:
    """Name who looks at the page; "" where the plant has no accounts."""
    account: Account | None = request.state.account
    return "" if account is None else account.name


def may(request: Request, role: Role) -> bool:
    """Say whether the one who looks may do what a role may; without accounts everyone may."""
    account: Account | None = request.state.account
    return account is None or ROLES.index(account.role) >= ROLES.index(role)


def shown(
    request: Request, template: str, *, title: str, here: Here, status: int = 200, **names: Any
) -> HTMLResponse:
    """Write the page of ``templates/NAME.html.jinja``."""
    context = context_of(request)
    with context.database.reading() as session:
        to_review = waiting_count(session)
    shell = Shell(
        plant=context.file.plant,
        title=title,
        here=here,
        at=context.now(),
        banners=context.station.health().banners,
        to_review=to_review,
        who=who_of(request),
        may_review=may(request, "reviewer"),
        may_administer=may(request, "admin"),
    )
    return written(template, shell, status, **names)


def written(template: str, shell: Shell, status: int = 200, **names: Any) -> HTMLResponse:
    """Write a page by what is given alone, as one that must do without the database."""
    path = f"station/web/templates/{template}.html.jinja"
    return HTMLResponse(
        page_template(path).render(
            shell=shell, score_said=score_said, rate_said=rate_said, **names
        ),
        status,
    )
