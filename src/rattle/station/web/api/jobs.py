"""Show trainings of encoders, and let workers do them: claim, read, say how far, send, or fail."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import FileResponse

from rattle.atomic import writing
from rattle.errors import RattleError, StorageError
from rattle.station.store import jobs as store
from rattle.station.store.reading.jobs import job, job_view, jobs
from rattle.station.web.access import WORKER, Given
from rattle.station.web.api.answer import CONFLICT, NOT_FOUND, TEXT, USUAL, Id
from rattle.station.web.api.job_answers import (
    LONGEST_NAME,
    Claimed,
    Failed,
    Job,
    Jobs,
    Material,
    Progress,
    Who,
)
from rattle.station.web.context import Context
from rattle.station.web.workers import workers_of

router = APIRouter(tags=["jobs"], responses=USUAL)

FOLDER = "jobs"
MOST_BYTES = 1 << 30
NOT_YOURS = "The job is not this worker's any more: another one has it, or it is not wanted now."
GONE = "The file is not kept any more; go on without it."
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "The file."}
}


@router.get("/jobs")
def every_job(context: Given) -> Jobs:
    """List the trainings of encoders, of all stations that share the database."""
    with context.database.reading() as session:
        return Jobs(jobs=[Job.model_validate(each) for each in jobs(session)])


@router.get("/jobs/{job}", responses=NOT_FOUND)
def one_job(job: Id, context: Given) -> Job:
    """Give one, with its log."""
    return _found(context, job)


@router.post("/jobs/claim", dependencies=[WORKER])
def claim(who: Who, request: Request, context: Given) -> Claimed:
    """Take the next job whose sound this station has; it is asked for every few seconds.

    A job is its worker's for two minutes, and longer where it says how far it is.
    """
    workers_of(request).seen(who.worker, context.now())
    node = context.encoders.node
    with context.database.reading() as session:
        if not store.has_any(session):
            return Claimed(job=None)
    with context.database.writing() as session:
        row = store.claim(session, node, who.worker, context.now(), store.LEASE, store.SETTLES)
        return Claimed(job=None if row is None else Job.model_validate(job_view(session, row)))


@router.get("/jobs/{job}/material", dependencies=[WORKER], responses=NOT_FOUND)
def material(job: Id, context: Given) -> Material:
    """List what to train on and what the gate is to hear."""
    _found(context, job)
    return Material.model_validate(context.encoders.material(job))


@router.get(
    "/jobs/{job}/files/{name}",
    dependencies=[WORKER],
    response_class=FileResponse,
    responses={**NOT_FOUND, **FILE},
)
def file(job: Id, name: str, context: Given) -> FileResponse:
    """Give a file of the material, ``base.rattle`` to train on, or ``live.rattle``, in use now."""
    _found(context, job)
    path = context.encoders.file_of(job, name)
    if path is None:
        raise HTTPException(404, GONE)
    return FileResponse(path, media_type="application/octet-stream")


@router.post("/jobs/{job}/progress", dependencies=[WORKER], responses={**NOT_FOUND, **CONFLICT})
def progress(job: Id, told: Progress, request: Request, context: Given) -> Job:
    """Say how far it is, twice a minute or more; 409 says that there is no use in going on."""
    _found(context, job)
    workers_of(request).seen(told.worker, context.now())
    with context.database.writing() as session:
        is_own = store.renew(
            session, job, told.worker, told.progress, told.said, context.now(), store.LEASE
        )
    return _after(context, job, is_own=is_own)


@router.post("/jobs/{job}/failed", dependencies=[WORKER], responses={**NOT_FOUND, **CONFLICT})
def failed(job: Id, told: Failed, context: Given) -> Job:
    """Say that it could not be done. It is tried three times in all, or not again."""
    _found(context, job)
    with context.database.writing() as session:
        is_own = store.fail(
            session, job, told.worker, told.why, context.now(), for_good=told.for_good
        )
    return _after(context, job, is_own=is_own)


@router.post(
    "/jobs/{job}/made",
    dependencies=[WORKER],
    max_body_size=MOST_BYTES,
    responses={**NOT_FOUND, **CONFLICT},
    openapi_extra={
        "requestBody": {"content": {"application/octet-stream": {}}, "required": True},
    },
)
async def made(
    job: Id,
    worker: Annotated[
        str,
        Query(
            min_length=1,
            max_length=LONGEST_NAME,
            pattern=TEXT,
            description="What the worker calls itself, as it did when it took the job.",
        ),
    ],
    request: Request,
    context: Given,
) -> Job:
    """Send what was trained: a zip of ``bundle.rattle`` and ``heard.npz``. It is offered then.

    Answers 422 where it is no encoder of the machine.
    """
    await run_sync(_found, context, job)
    folder = context.file.data / FOLDER
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        upload = tempfile.NamedTemporaryFile(dir=folder, suffix=".zip")  # noqa: SIM115
    with upload:
        async for piece in request.stream():
            await run_sync(upload.write, piece)
        upload.flush()
        try:
            is_own = await run_sync(context.encoders.take, job, worker, Path(upload.name))
        except StorageError:
            raise
        except RattleError as error:
            raise HTTPException(422, f"{str(error).rstrip('.')}.") from error
    return await run_sync(lambda: _after(context, job, is_own=is_own))


def _found(context: Context, job_id: str) -> Job:
    with context.database.reading() as session:
        found = job(session, job_id)
    if found is None:
        raise HTTPException(404, f"There is no job {job_id!r}.")
    return Job.model_validate(found)


def _after(context: Context, job_id: str, *, is_own: bool) -> Job:
    if not is_own:
        raise HTTPException(409, NOT_YOURS)
    return _found(context, job_id)
