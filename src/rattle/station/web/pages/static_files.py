"""Serve styles, scripts and pictures; ``page.css`` is that of all of rattle's pages."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles

router = APIRouter()
FOLDER = Path(__file__).parent.parent / "static"
# A browser asks whether its copy is still good: after an update no page runs with old scripts.
FRESH = {"Cache-Control": "no-cache"}


@router.get("/static/page.css", include_in_schema=False)
def page_css() -> Response:
    """Give the palette and the type: the reports' own file, so that there is one."""
    return FileResponse(str(resources.files("rattle.pages") / "page.css"), headers=FRESH)


class FreshFiles(StaticFiles):
    """The files of ``static``, each with its hash of size and time."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    def file_response(self, *args: Any, **options: Any) -> Response:
        """Give a file, to be asked for again."""
        response = super().file_response(*args, **options)
        response.headers.update(FRESH)
        return response
