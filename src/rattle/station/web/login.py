"""Log in and out. The page with the form is ``pages``'; it posts here."""

from __future__ import annotations

import contextlib
from typing import Annotated

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from rattle.errors import StorageError
from rattle.station.store.audit import note
from rattle.station.store.credentials import Credentials
from rattle.station.store.reading.accounts import LOGGED_OUT
from rattle.station.web import sessions
from rattle.station.web.access import Given
from rattle.station.web.api.answer import TEXT
from rattle.station.web.context import Context
from rattle.station.web.pages.login import login_form, own_path
from rattle.station.web.throttle import Throttle

router = APIRouter(include_in_schema=False)

# A name is tried by one who forgot a password, an address by all who sit behind it.
FREE_BY_NAME, FREE_BY_ADDRESS = 5, 20
WRONG = "There is no such account, or the password is another one."
# Checking a password takes 64 MB on purpose.
AT_ONCE = 2


class Door:
    """Lets people in who know their password, and slows down those who try many."""

    def __init__(self, context: Context, credentials: Credentials) -> None:
        self._context = context
        self._credentials = credentials
        self._by_name = Throttle(FREE_BY_NAME)
        self._by_address = Throttle(FREE_BY_ADDRESS)
        self._limiter = CapacityLimiter(AT_ONCE)

    async def lets_in(self, name: str, password: str, address: str) -> bool:
        """Tell whether the password is right.

        Raises ``HTTPException`` 429 where the name or the address has to wait.
        """
        now = self._context.now()
        wait_s = max(self._by_name.wait_s(name, now), self._by_address.wait_s(address, now))
        if wait_s > 0:
            raise HTTPException(
                429,
                f"Too many wrong passwords. Try again in {wait_s} s.",
                headers={"retry-after": str(wait_s)},
            )
        # Counted before it is checked, so that many at once are as slow as one after another.
        self._by_name.failed(name, now)
        self._by_address.failed(address, now)
        is_right = await run_sync(self._check, name, password, address, limiter=self._limiter)
        if is_right:
            self._by_name.succeeded(name)
            self._by_address.succeeded(address)
        return is_right

    def _check(self, name: str, password: str, address: str) -> bool:
        is_right = self._credentials.verify(name, password) is not None
        what = "logged in" if is_right else "gave a wrong password"
        # A full disk keeps nobody out.
        with contextlib.suppress(StorageError), self._context.database.writing() as session:
            note(session, self._context.now(), name, what, address=address)
        return is_right


@router.post("/login", max_body_size=10_000)
async def log_in(
    request: Request,
    context: Given,
    name: Annotated[str, Form(max_length=64, pattern=TEXT)],
    password: Annotated[str, Form(max_length=1000)],
    next: Annotated[str, Form(max_length=2000)] = "/",  # noqa: A002 - the form's word
) -> Response:
    """Begin a session and go on to ``next``, or show the form again."""
    address = request.client.host if request.client is not None else ""
    door: Door = request.app.state.door
    if not await door.lets_in(name, password, address):
        return await run_sync(login_form, request, next, WRONG, name, 401)
    await run_sync(_begin, context, request.session, name)
    return RedirectResponse(own_path(next), 303)


@router.post("/logout", max_body_size=10_000)
def log_out(request: Request, context: Given) -> RedirectResponse:
    """End the session: its cookie is good for nothing from now on, wherever it was copied to."""
    now = context.now()
    with context.database.writing() as writing:
        name = sessions.account_name_of(writing, request.session, now)
        if name is not None:
            note(writing, now, name, LOGGED_OUT, id=request.session["id"])
    request.session.clear()
    return RedirectResponse("/login", 303)


def _begin(context: Context, session: sessions.Session, name: str) -> None:
    with context.database.reading() as reading:
        sessions.begin(reading, session, name, context.now())
