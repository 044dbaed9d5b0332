"""State what programs are told of machines that are being enrolled."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rattle.station.enrol.now import EnrolmentNow
from rattle.station.enrol.recording import State
from rattle.station.store.enrolments import EnrolmentState
from rattle.station.web.api.answer import TEXT, Answer

Act = Literal["record", "fit", "accept", "discard"]


class NewPush(BaseModel):
    """How the samples are written that another program pushes."""

    model_config = ConfigDict(extra="forbid")
    token: str = Field(
        max_length=200, pattern=TEXT, description='Always "env:NAME": a variable of the station.'
    )
    encoding: Literal["s16le", "f32le"] = Field("s16le", description="Type of a sample.")
    sample_rate_hz: int = Field(16_000, ge=1000, le=384_000, description="Samples a second.")
    channels: int = Field(1, ge=1, le=64, description="Interleaved channels.")


class NewSource(BaseModel):
    """Where the sound comes from: exactly one of device, url, folder and push."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=64, pattern=TEXT, description="What the source is called.")
    device: str | None = Field(
        None, max_length=200, pattern=TEXT, description='A sound card\'s input; "" is the default.'
    )
    url: str | None = Field(
        None,
        max_length=1000,
        pattern=TEXT,
        description='What ffmpeg reads; with a password or key it is "env:NAME".',
    )
    folder: str | None = Field(
        None, max_length=1000, pattern=TEXT, description="A folder that recordings arrive in."
    )
    push: NewPush | None = Field(None, description="Samples that are sent to /ingest/SOURCE.")


class NewMachine(BaseModel):
    """A machine to enrol; keys as in plant.toml."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=64, pattern=TEXT, description="What the machine is called.")
    source: NewSource = Field(description="Where its sound comes from.")
    false_alarms_per_week: float = Field(
        1.0, ge=0.01, le=1000, description="False alarms that are accepted, on average."
    )
    running: Literal["always", "by level", "by tag"] = Field(
        "always", description="How it is known that it runs. By tag: record it while it runs."
    )
    running_above_dbfs: float | None = Field(
        None,
        ge=-120,
        le=0,
        description="By level: from which on it runs; found from what is heard where not given.",
    )
    encoder: str = Field(
        "", max_length=64, pattern=TEXT, description="Hash of an encoder; without it the first."
    )
    minutes: float = Field(20.0, ge=1, le=60, description="Running sound that is to be recorded.")
    at_once: bool = Field(
        False, description="Whether its detector is made by itself once so much was recorded."
    )


class Check(Answer):
    """One look at the sound."""

    name: str = Field(description="What is looked at.")
    is_fine: bool = Field(description="Whether nothing is to be done.")
    said: str = Field(description="What was found.")
    todo: str = Field(description="What to do, where something is.")


class Enrolment(BaseModel):
    """A machine that is being enrolled, or was."""

    id: str = Field(description="Its id.")
    name: str = Field(description="What the machine is called.")
    state: EnrolmentState = Field(
        description="Recording; ready where no more is recorded, for a reason; fitting while its "
        "detector is made; offered or failed then; accepted once it is watched."
    )
    is_here: bool = Field(description="Whether this station does it, of those of the database.")
    machine: dict[str, Any] = Field(description="Its table, as plant.toml would have it.")
    machine_id: str = Field(description='Of one that is watched; else "".')
    encoder: str = Field(description="Hash of the encoder that its head is fitted on.")
    minutes: float = Field(description="Running sound that is to be recorded.")
    at_once: bool = Field(description="Whether its detector is made by itself then.")
    created: datetime = Field(description="When it was begun.")
    who: str = Field(description="Who began it.")
    source: State | None = Field(description="How its source is; null where it is not recorded.")
    source_reason: str = Field(description="Why it is so.")
    level_db: float | None = Field(description="Level of the last second, in dBFS.")
    recorded_s: float = Field(description="How much was heard.")
    usable_s: float | None = Field(description="How much of it can be learnt from.")
    starts: int | None = Field(description="How often it was heard to start.")
    levels_db: list[list[float]] | None = Field(description="Levels heard, each with its seconds.")
    checks: list[Check] = Field(description="What the sound is like.")
    progress: str = Field(description="How far its detector is, while that is made.")
    reason: str = Field(description="Why no detector could be made, or no more is recorded.")
    report: dict[str, Any] | None = Field(description="Its detector, with the rehearsal.")

    @classmethod
    def of(cls, now: EnrolmentNow) -> Enrolment:
        """Tell how one is now."""
        row, heard, checked = now.row, now.heard, now.checked
        states = None if checked is None else checked.states
        return cls(
            **{name: getattr(row, name) for name in SAME},
            is_here=now.is_here,
            machine=dict(row.config),
            machine_id=now.machine_id,
            minutes=row.wanted_s / 60,
            source=None if heard is None else heard.state,
            source_reason="" if heard is None else heard.reason,
            level_db=None if heard is None else heard.level_db,
            recorded_s=sum(piece.seconds for piece in now.pieces),
            usable_s=None if states is None else states.usable_s,
            starts=None if states is None else states.starts,
            levels_db=None if states is None else [list(each) for each in states.levels_db],
            checks=[] if checked is None else [Check.model_validate(c) for c in checked.checks],
            progress=now.progress,
            report=None if row.report is None else dict(row.report),
        )


SAME = ("id", "name", "state", "encoder", "at_once", "created", "who", "reason")


class Encoder(Answer):
    """An encoder that machines of the plant share."""

    id: str = Field(description="Hash of its graph.")
    machines: tuple[str, ...] = Field(description="Whose bundles have it.")


class Enrolments(BaseModel):
    """Machines that are being enrolled, and those that were and are watched."""

    enrolments: list[Enrolment] = Field(description="All of them, the oldest first.")
    encoders: list[Encoder] = Field(description="What a new machine can be enrolled on.")


class Done(BaseModel):
    """What was done to an enrolment."""

    id: str = Field(description="Its id.")
    act: Act = Field(description="What was done.")
