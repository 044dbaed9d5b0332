"""Know who asks, and what they may do.

no account exists   everyone on this machine may do everything, nobody else anything
accounts exist      a session (page) or a token of an account (programs); a few paths are open
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from anyio.to_thread import run_sync
from fastapi import Depends, HTTPException, Request
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from rattle.errors import StorageError
from rattle.station.config.texts import is_loopback
from rattle.station.store.credentials import Account, Credentials, Role
from rattle.station.web.answers import DATABASE_AWAY, refusal, wants_page
from rattle.station.web.context import Context
from rattle.station.web.guard import SAFE_METHODS
from rattle.station.web.pages.errors import bare_page
from rattle.station.web.pages.shell import context_of, may
from rattle.station.web.sessions import Session, account_name_of

# Without an account: what shows no sound, no machine and no name. A pushed source has a token of
# its own (``ingest``).
OPEN = ("/healthz", "/readyz", "/login", "/logout")
OPEN_BELOW = ("/static/", "/ingest/")
# All that a worker's account may ask for.
OF_WORKERS = "/api/v1/jobs"
LOCAL = "someone at this computer"


class Access:
    """Finds the account of every request: ``request.state.account``.

    It is None where no account exists; then whoever asks from this machine may do everything. It is
    None on open paths, too, where ``request.state.is_known`` is false.
    """

    def __init__(self, app: ASGIApp, context: Context, credentials: Credentials) -> None:
        self._app = app
        self._context = context
        self._credentials = credentials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request of someone who is known, or on an open path; refuse others."""
        if scope["type"] not in ("http", "websocket") or is_open(scope["path"]):
            scope.setdefault("state", {}).update(account=None, is_known=False)
            await self._app(scope, receive, send)
            return
        try:
            answer = await run_sync(self._refuse, scope)
        except StorageError:
            answer = refusal(scope, 503, DATABASE_AWAY, {"retry-after": "5"})
        await (self._app if answer is None else answer)(scope, receive, send)

    def _refuse(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        state = scope.setdefault("state", {})
        state.update(account=None, is_known=False)
        if not self._credentials.has_accounts():
            state["is_known"] = _is_local(scope, headers)
            return None if state["is_known"] else refusal(scope, 403, NO_ACCOUNT)
        account = find_account(self._context, self._credentials, scope["session"], headers)
        state.update(account=account, is_known=account is not None)
        if account is None:
            return _ask_to_log_in(scope)
        if account.role == "worker" and not scope["path"].startswith(OF_WORKERS):
            state["is_known"] = False
            return _only_jobs(scope, account)
        return None


NO_ACCOUNT = (
    "The station has no account yet, so it answers only to programs on its own computer. Add an "
    "account by rattle station-account there."
)
ONLY_JOBS = (
    "{} is a worker's account: a program that trains encoders fetches its work by it, "
    "and nothing else is shown to it. Log in by another account."
)
LOG_IN = "Log in, or send a token of an account in the header Authorization: Bearer."


def find_account(
    context: Context, credentials: Credentials, session: Session, headers: Headers
) -> Account | None:
    """Find whose session or token a request comes with; None where it is nobody's."""
    token = bearer(headers)
    if token is not None:
        return credentials.account_of_token(token, context.now())
    with context.database.reading() as reading:
        name = account_name_of(reading, session, context.now())
    return None if name is None else credentials.account(name)


def bearer(headers: Headers) -> str | None:
    """Read the token of a request; None where it has none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def is_open(path: str) -> bool:
    """Tell whether a path is served to whoever asks."""
    return path in OPEN or path.startswith(OPEN_BELOW)


def who(request: Request) -> str:
    """Name who asks, as reviews and the audit have it."""
    account: Account | None = request.state.account
    return LOCAL if account is None else account.name


def _at_least(role: Role, request: Request) -> None:
    account: Account | None = request.state.account
    if account is not None and not may(request, role):
        raise HTTPException(
            403, f"{account.name} is a {account.role}; this takes a {role}. Ask an admin."
        )


def _reviewer(request: Request) -> None:
    _at_least("reviewer", request)


def _admin(request: Request) -> None:
    _at_least("admin", request)


def _worker(request: Request) -> None:
    account: Account | None = request.state.account
    if account is not None and account.role not in ("worker", "admin"):
        raise HTTPException(
            403, f"{account.name} is a {account.role}; this takes a worker. Ask an admin."
        )


# What a route takes beside an account: ``dependencies=[REVIEWER]``.
REVIEWER, ADMIN, WORKER = Depends(_reviewer), Depends(_admin), Depends(_worker)


Given = Annotated[Context, Depends(context_of)]


def _is_local(scope: Scope, headers: Headers) -> bool:
    """Tell whether this computer asks. Behind a proxy everyone would look as if."""
    client = scope.get("client")
    is_forwarded = "x-forwarded-for" in headers or "forwarded" in headers
    return client is not None and is_loopback(client[0]) and not is_forwarded


def _only_jobs(scope: Scope, account: Account) -> Response:
    said = ONLY_JOBS.format(account.name)
    if scope["type"] == "http" and wants_page(scope):
        return bare_page(Request(scope), 403, said, may_log_out=True)
    return refusal(scope, 403, said)


def _ask_to_log_in(scope: Scope) -> Response:
    if scope["type"] == "http" and scope["method"] in SAFE_METHODS and wants_page(scope):
        path = scope["path"] + (
            f"?{scope['query_string'].decode()}" if scope["query_string"] else ""
        )
        return RedirectResponse(f"/login?next={quote(path, safe='/')}", 303)
    return refusal(scope, 401, LOG_IN, {"www-authenticate": "Bearer"})
