"""State what is answered of trainings of encoders, and what their workers send."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from rattle.scoring.budget.ledger import Verdict
from rattle.station.store.reading.jobs import JobState
from rattle.station.web.api.answer import TEXT, Answer

LONGEST_NAME, LONGEST_SAID = 100, 2000


class Job(Answer):
    """An encoder that a worker is to train on, trains, or trained."""

    id: str = Field(description="Its id.")
    machine_id: str = Field(description="Whose encoder it is.")
    machine: str = Field(description="What the machine is called.")
    node: str = Field(description="The station that has its sound; that one's workers do it.")
    learnt: dict[str, str] = Field(description="Verdicts to learn from, by incident.")
    state: JobState = Field(
        description="Waiting for a worker, running, done, failed, or dropped since newer verdicts "
        "took its place."
    )
    worker: str | None = Field(description="Who has it, or had it last.")
    tries: int = Field(description="How often it was begun; three times at most.")
    progress: float = Field(description="How far it is, 0 to 1.")
    said: str = Field(description="What is being done, or what came of it.")
    log: str = Field(description="What workers told of it; of a long one the end.")
    release_id: str | None = Field(description="The release that came of it.")
    created: datetime = Field(description="When it was asked for.")
    started: datetime | None = Field(description="When it was last begun.")
    ended: datetime | None = Field(description="When it ended.")


class Jobs(BaseModel):
    """Jobs, the newest first."""

    jobs: list[Job] = Field(description="The last hundred.")


class Claimed(BaseModel):
    """What there is to do."""

    job: Job | None = Field(description="A job that is the worker's now; null where none waits.")


class Recorded(Answer):
    """The recording of a reviewed incident."""

    file: str = Field(description="Name of the file.")
    incident_id: str = Field(description="Which incident.")
    verdict: Verdict = Field(description="What people say of it.")
    is_test: bool = Field(description="Whether it is never to be learnt from.")
    opened_s: float = Field(description="Where in the recording the incident begins, seconds.")
    ended_s: float = Field(description="Where it ends.")


class Piece(Answer):
    """Some seconds of kept sound."""

    file: str = Field(description="Name of the file.")
    machine: str = Field(description="Whose sound it is, as its bundle names the machine.")
    is_learnt: bool = Field(description="Whether to learn from it; else the gate hears it.")


class Material(Answer):
    """What a worker trains on; the files are below files/."""

    recorded: list[Recorded] = Field(description="Recordings of reviewed incidents.")
    kept: list[Piece] = Field(description="Sound that was kept at random.")


class Who(BaseModel):
    """Which worker asks."""

    model_config = ConfigDict(extra="forbid")
    worker: str = Field(
        min_length=1, max_length=LONGEST_NAME, pattern=TEXT, description="What it calls itself."
    )


class Progress(Who):
    """How far a worker is. It says so twice a minute, or the job is another's."""

    progress: float = Field(ge=0, le=1, description="0 to 1.")
    said: str = Field(max_length=LONGEST_SAID, pattern=TEXT, description="What it does.")


class Failed(Who):
    """Why a worker could not do it."""

    why: str = Field(max_length=LONGEST_SAID, pattern=TEXT, description="In words.")
    for_good: bool = Field(description="Whether trying again is of no use.")
