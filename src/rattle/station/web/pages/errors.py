"""Show what went wrong in a sentence, and where to go on."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import HTMLResponse

from rattle.errors import StorageError
from rattle.station.web.pages.shell import Shell, context_of, shown, who_of, written

TITLES = {
    400: "That cannot be done",
    403: "Not allowed",
    404: "Not found",
    413: "Too large",
    429: "Too many at once",
    500: "Something went wrong here",
    503: "The database is away",
}


def not_there(request: Request, sentence: str, href: str, link: str) -> HTMLResponse:
    """Say that there is no such thing, and where things of its kind are."""
    return refused(request, 404, sentence, href, link)


def refused(
    request: Request, status: int, sentence: str, href: str = "/", link: str = "To the plant"
) -> HTMLResponse:
    """Say why something was not done."""
    names = {"sentence": sentence, "href": href, "link": link}
    return shown(request, "error", title=_title(status), here="", status=status, **names)


def error_page(request: Request, status: int, sentence: str) -> HTMLResponse:
    """Show an error, also where the database cannot be asked for what a page has around it."""
    try:
        if status < 500:
            return refused(request, status, sentence)
    except StorageError:
        pass
    context = context_of(request)
    shell = Shell(
        plant=context.file.plant,
        title=_title(status),
        here="",
        at=context.now(),
        banners=context.station.health().banners,
        who=who_of(request),
    )
    names = {"sentence": sentence, "href": "/", "link": "Try again"}
    return written("error", shell, status, **names)


def bare_page(
    request: Request, status: int, sentence: str, *, may_log_out: bool = False
) -> HTMLResponse:
    """Show an error to whoever asks: the page tells nothing of the plant."""
    context = context_of(request)
    shell = Shell(plant=context.file.plant, title=_title(status), here="", at=context.now())
    names = {"sentence": sentence, "href": "/", "link": "Try again"}
    return written("error", shell, status, **names, bare=True, may_log_out=may_log_out)


def _title(status: int) -> str:
    return TITLES.get(status, "That did not work")
