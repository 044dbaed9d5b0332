"""Ask who it is."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from rattle.station.web.pages.shell import Shell, context_of, written

router = APIRouter()


@router.get("/login", response_class=HTMLResponse, include_in_schema=False)
def login_page(request: Request, next: str = "/") -> HTMLResponse:  # noqa: A002 - as in the address
    """Show the form; ``next`` is where to go after it."""
    return login_form(request, next)


def login_form(
    request: Request, then: str, problem: str = "", name: str = "", status: int = 200
) -> HTMLResponse:
    """Write the form, with what was wrong the last time; it goes on to the path ``then``."""
    context = context_of(request)
    # A page before the login tells nothing of the plant, and its banners are part of that.
    shell = Shell(plant=context.file.plant, title="Log in", here="", at=context.now())
    names = {"then": own_path(then), "problem": problem, "name": name}
    return written("login", shell, status, **names, bare=True)


def own_path(address: str) -> str:
    r"""Give a path of the station, else "/": browsers read ``/\host`` as another site."""
    is_own = address.startswith("/") and address[1:2] not in ("/", "\\") and address.isprintable()
    return address if is_own else "/"
