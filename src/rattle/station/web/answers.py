"""Say what went wrong: a sentence as JSON to programs, a small page to people; never a trace."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from rattle.errors import StorageError
from rattle.station.web.pages.errors import bare_page, error_page

DATABASE_AWAY = (
    "The database does not answer. The machines are still listened to, and what is heard waits to "
    "be written; this page comes back with the database."
)
FAILED = "The station failed at this and wrote why to its log. Nothing was changed by it."

_log = logging.getLogger(__name__)


def refusal(
    scope: Scope, status: int, said: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with one sentence whoever asked; a page of it tells nothing of the plant."""
    if scope["type"] == "http" and wants_page(scope):
        page = bare_page(Request(scope), status, said)
        page.headers.update(headers or {})
        return page
    return JSONResponse({"detail": said}, status, dict(headers or {}))


def wants_page(scope: Scope) -> bool:
    """Tell whether a person asked, by a browser that shows a page."""
    return "text/html" in Headers(scope=scope).get("accept", "")


def add_handlers(app: FastAPI) -> None:
    """Answer every error of the app."""
    app.add_exception_handler(HTTPException, _known)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(StorageError, _away)
    app.add_exception_handler(DataError, _cannot_be_stored)
    app.add_exception_handler(Exception, _failed)


# None of these is a coroutine: they are called in a thread, where the database can be asked.
def _known(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    said = error.detail
    if said == HTTPStatus(error.status_code).phrase:
        said = USUAL.get(error.status_code, f"{said}.")
    return _answer(request, error.status_code, said, error.headers)


def _not_valid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    if wants_page(request.scope):
        return _answer(request, 422, " ".join(_in_words(each) for each in error.errors()))
    wrong = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    return _answer(request, 422, "; ".join(wrong))


def _in_words(wrong: Mapping[str, Any]) -> str:
    """Say to a person what is wrong with a value of a form or an address."""
    name = wrong["loc"][-1]
    if wrong["type"] == "string_too_long":
        most = wrong["ctx"]["max_length"]
        return f"The {name} is longer than {most} characters. Go back and shorten it."
    if wrong["type"] == "missing":
        return f"The {name} is missing. Go back and say it."
    return f"The {name} cannot be so: {wrong['msg'][:1].lower()}{wrong['msg'][1:]}."


def _away(request: Request, error: Exception) -> Response:
    _log.warning("%s", error)
    return _answer(request, 503, DATABASE_AWAY, {"retry-after": "5"})


def _cannot_be_stored(request: Request, error: Exception) -> Response:
    # PostgreSQL has no text with a zero byte in it, and no number of a hundred digits.
    return _answer(request, 422, "A value is none that the database can store.")


def _failed(request: Request, error: Exception) -> Response:
    # What a page has around it may be what failed.
    return refusal(request.scope, 500, FAILED)


def _answer(
    request: Request, status: int, said: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer someone who may be known: then a page of it is one like all others."""
    if not getattr(request.state, "is_known", False) or not wants_page(request.scope):
        return refusal(request.scope, status, said, headers)
    page = error_page(request, status, said)
    page.headers.update(headers or {})
    return page


USUAL = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "That is more than is taken in one request.",
}
