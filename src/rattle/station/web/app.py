"""Put the web part together: pages, API, events, recordings, behind one guard.

Guard (headers, host, origin, patience) -> Head -> session -> Access (who asks) -> routes
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.staticfiles import StaticFiles
from starlette.middleware.sessions import SessionMiddleware
from starlette.types import ASGIApp

from rattle.station.store.credentials import Credentials
from rattle.station.web import (
    api,
    dump,
    ingest,
    live,
    login,
    media,
    metrics,
    probes,
)
from rattle.station.web.access import Access
from rattle.station.web.answers import add_handlers
from rattle.station.web.context import Context
from rattle.station.web.guard import Guard
from rattle.station.web.head import Head
from rattle.station.web.pages import routes, static_files
from rattle.station.web.refusals import Refusals
from rattle.station.web.sessions import COOKIE, GOOD_FOR, session_key
from rattle.station.web.workers import Workers
from rattle.version import VERSION

# Of a request's body; what takes more, or less, says so itself.
MOST_BYTES = 100_000


class _Guarded(FastAPI):
    def build_middleware_stack(self) -> ASGIApp:
        # Outside of all, so that what goes wrong in any other part is answered as well.
        return Guard(Head(super().build_middleware_stack()), self.state.context.file.web)


def build_app(context: Context) -> FastAPI:
    """Build the app of a station; it holds the context, the open pages and nothing else.

    Raises ``StorageError`` where the key that signs sessions can be neither read nor written.
    """
    app = _Guarded(
        title="rattle station",
        version=VERSION,
        description=ABOUT,
        # The interactive pages load scripts from elsewhere, which the policy forbids.
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        max_body_size=MOST_BYTES,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.context = context
    app.state.streams = live.Streams()
    app.state.workers = Workers()
    app.state.refusals = Refusals()
    app.state.pictures = media.Pictures()
    app.state.credentials = credentials = Credentials(context.database)
    app.state.door = login.Door(context, credentials)
    for room in (api, live, ingest, media, metrics, probes, dump, login, routes):
        app.include_router(room.router)
    app.mount("/static", StaticFiles(directory=static_files.FOLDER))
    add_handlers(app)
    address = context.file.web.address
    app.add_middleware(Access, context=context, credentials=credentials)
    app.add_middleware(
        SessionMiddleware,
        secret_key=session_key(context.file.data),
        session_cookie=COOKIE,
        max_age=round(GOOD_FOR.total_seconds()),
        same_site="lax",
        https_only=address is not None and address.startswith("https://"),
    )
    app.openapi = lambda: _schema(app)  # type: ignore[method-assign]
    return app


ABOUT = """\
What a plant's machines sound like: incidents, reviews, timelines.

Where accounts exist, send a token of one in the header `Authorization: Bearer`. Times have a time
zone and come in UTC; ids sort by time.
"""


def _schema(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schema.setdefault("components", {})["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"}
        }
        schema["security"] = [{}, {"bearer": []}]
        app.openapi_schema = schema
    return app.openapi_schema
