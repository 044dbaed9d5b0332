"""Give the recordings that are kept, pictures of them, and the newest normal sound.

Recordings and pictures are named by their content.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, HTTPException, Request
from starlette.responses import FileResponse, Response

from rattle.errors import ClipError
from rattle.station.store import kept_sound
from rattle.station.store.reading.plant import clip_path
from rattle.station.web.access import Given
from rattle.station.web.context import Context
from rattle.station.web.sound_picture import sound_picture

router = APIRouter(tags=["recordings"])

SOURCE_ID = re.compile(r"[0-9A-Z]{26}")
SHA256 = re.compile(r"[0-9a-f]{64}")
# What is named by its content never changes; it is for whoever logged in, not for a proxy.
HEADERS = {"cache-control": "private, max-age=31536000, immutable"}
PICTURES_BYTES = 16_000_000
AT_ONCE = 2
NONE_SUCH = "There is no recording of that name; it may have gone to make room for newer ones."
MISSING: dict[int | str, dict[str, Any]] = {
    404: {"description": "No recording of that name is kept."}
}


class Pictures:
    """Pictures that were drawn; the ones not asked for longest go where they are too many."""

    def __init__(self) -> None:
        self._drawn: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()
        self.limiter = CapacityLimiter(AT_ONCE)

    def of(self, sha256: str, path: Path) -> bytes:
        """Give the picture of a recording; raises ``ClipError`` where it cannot be read."""
        with self._lock:
            drawn = self._drawn.get(sha256)
            if drawn is not None:
                self._drawn.move_to_end(sha256)
                return drawn
        drawn = sound_picture(path)
        with self._lock:
            if sha256 not in self._drawn:
                self._drawn[sha256] = drawn
                self._bytes += len(drawn)
            while self._bytes > PICTURES_BYTES:
                self._bytes -= len(self._drawn.popitem(last=False)[1])
        return drawn


@router.get(
    "/clips/{sha256}.flac",
    response_class=FileResponse,
    responses={
        **MISSING,
        200: {"content": {"audio/flac": {}}, "description": "The recording."},
        206: {"description": "The bytes that Range asks for."},
        416: {"description": "Range asks for bytes that it has not."},
    },
)
def clip(sha256: str, context: Given) -> FileResponse:
    """Give a recording as a FLAC file, or the part that the header Range asks for."""
    return FileResponse(_path(context, sha256), media_type="audio/flac", headers=HEADERS)


@router.get(
    "/normal-sound/{source_id}.flac",
    response_class=FileResponse,
    responses={
        404: {"description": "No normal sound of that source is kept."},
        200: {"content": {"audio/flac": {}}, "description": "The piece."},
        206: {"description": "The bytes that Range asks for."},
        416: {"description": "Range asks for bytes that it has not."},
    },
)
def normal_sound(source_id: str, context: Given) -> FileResponse:
    """Give the newest piece that is kept of a source's normal sound, as a FLAC file."""
    is_id = SOURCE_ID.fullmatch(source_id)
    piece = kept_sound.newest(context.file.data, source_id) if is_id else None
    if piece is None:
        raise HTTPException(404, "No normal sound of that source is kept here.")
    return FileResponse(
        piece.path, media_type="audio/flac", headers={"cache-control": "private, no-store"}
    )


@router.get(
    "/spectrograms/{sha256}.png",
    response_class=Response,
    responses={**MISSING, 200: {"content": {"image/png": {}}, "description": "The picture."}},
)
async def spectrogram(sha256: str, request: Request, context: Given) -> Response:
    """Give a picture of a recording: time goes right, 40 Hz to half its sample rate go up."""
    pictures: Pictures = request.app.state.pictures
    path = await run_sync(_path, context, sha256)
    try:
        png = await run_sync(pictures.of, sha256, path, limiter=pictures.limiter)
    except ClipError as error:
        raise HTTPException(404, "This recording cannot be read; its file is damaged.") from error
    return Response(png, media_type="image/png", headers=HEADERS)


def _path(context: Context, sha256: str) -> Path:
    """Find the file of a recording: only one that a row names, and only in the data folder."""
    if not SHA256.fullmatch(sha256):
        raise HTTPException(404, NONE_SUCH)
    with context.database.reading() as session:
        named = clip_path(session, sha256)
    if named is None:
        raise HTTPException(404, NONE_SUCH)
    folder = context.file.data.resolve()
    path = (folder / named).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        raise HTTPException(404, NONE_SUCH)
    return path
