"""Serve the style that all of rattle's pages share."""

from __future__ import annotations

from importlib import resources

from fastapi import APIRouter
from fastapi.responses import Response

router = APIRouter()


@router.get("/static/page.css", include_in_schema=False)
def page_css() -> Response:
    """Give the palette and the type: the reports' own file, so that there is one."""
    text = resources.files("rattle.pages").joinpath("page.css").read_text()
    return Response(text, media_type="text/css", headers={"Cache-Control": "no-cache"})
