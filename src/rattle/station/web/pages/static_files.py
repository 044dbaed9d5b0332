"""Serve ``page.css``, the style of all of rattle's pages, beside the files of ``static``."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

router = APIRouter()
FOLDER = Path(__file__).parent.parent / "static"


@router.get("/static/page.css", include_in_schema=False)
def page_css() -> Response:
    """Give the palette and the type: the reports' own file, so that there is one."""
    return FileResponse(str(resources.files("rattle.pages") / "page.css"))
