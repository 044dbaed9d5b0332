"""State the tables. Times are UTC, ids are ULIDs.

    machine --- source --- minute                what was heard, minute by minute
       |           |------ day                   the median of a day, which is never removed
       |           |------ threshold             each with its reason
       |           `------ stretch               what the budget counts
       |--- release --- replayed                 bundles in use, before, or offered; and what they
       |       `------- promotion                make of the sound before; who chose them
       |--- job                                  an encoder that a worker trains, or trained
       `--- incident --- stretch, clip           what stands out
                |------- review                  what people said of it, append only
                `------- notice --- channel      who is to be told of it: the outbox
    account --- token, audit                     who may do what, and what they did
    station                                      who shares this database
    enrolment                                    machines that were enrolled, or are about to be

A row a minute, never a row a score; embeddings lie in files (``embedding_files``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from rattle.station.store.types import Counter, Float32s, Float64s, Utc

Id = String(26)


def _one_of(column: str, *values: str) -> CheckConstraint:
    said = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({said})", name=column)


class Base(DeclarativeBase):
    """All tables; constraints have names, so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012
        datetime: Utc(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
        list[Any]: JSON(),
        str: Text(),
    }


class MachineRow(Base):
    """A machine of ``plant.toml``; one that left the file stays, with ``listed`` off."""

    __tablename__ = "machine"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    budget_per_week: Mapped[float]
    running: Mapped[str]
    live_release_id: Mapped[str | None] = mapped_column(Id)
    # The identity of the bundle that the file names: another one there takes the place of any.
    given: Mapped[str | None]
    place: Mapped[int]  # its place in the file
    listed: Mapped[bool]


class SourceRow(Base):
    """A stream of sound; ``place`` says where it comes from, without a password."""

    __tablename__ = "source"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    machine_id: Mapped[str] = mapped_column(ForeignKey("machine.id"), index=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str]
    place: Mapped[str]
    listed: Mapped[bool]
    # The station that listens to it, and until when it said so: then another one may.
    node: Mapped[str | None]
    node_until: Mapped[datetime | None]


class ReleaseRow(Base):
    """A bundle that is in use for a machine, was, or is offered.

    kind: given by the file, a head that the station fitted, or an encoder that a worker trained on.
    path: where its file is kept in the
    data folder. encoder: the hash of its graph. state: gating while it is tried on stored sound;
    then a candidate or refused, until another one takes its place (superseded) or a person or the
    policy chooses it (live, later retired). report: what its page shows of it. gate: what was shown
    of it; None of one that the file gave. learnt: the verdicts that it learnt from, by incident.
    """

    __tablename__ = "release"
    __table_args__ = (
        UniqueConstraint("machine_id", "identity"),
        _one_of("kind", "given", "head", "encoder"),
        _one_of("state", "gating", "candidate", "refused", "superseded", "live", "retired"),
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    machine_id: Mapped[str] = mapped_column(ForeignKey("machine.id"), index=True)
    identity: Mapped[str]
    kind: Mapped[str] = mapped_column(default="given")
    encoder: Mapped[str]
    path: Mapped[str]
    parent_id: Mapped[str | None] = mapped_column(Id)
    state: Mapped[str]
    report: Mapped[dict[str, Any]]
    gate: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    learnt: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created: Mapped[datetime]


class ReplayedRow(Base):
    """What a release makes of a source's sound before it was chosen: M of each minute ``[T]``.

    Minutes that it heard itself follow from ``until`` on.
    """

    __tablename__ = "replayed"
    source_id: Mapped[str] = mapped_column(ForeignKey("source.id"), primary_key=True)
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"), primary_key=True)
    minutes: Mapped[NDArray[np.float64]] = mapped_column(Float64s())
    until: Mapped[datetime]


class PromotionRow(Base):
    """A release was chosen for a machine: when, by whom and why, and the one before it."""

    __tablename__ = "promotion"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    machine_id: Mapped[str] = mapped_column(ForeignKey("machine.id"), index=True)
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"))
    before_id: Mapped[str | None] = mapped_column(Id)
    at: Mapped[datetime]
    who: Mapped[str]
    reason: Mapped[str]


class JobRow(Base):
    """An encoder that is to be trained on for a machine, by a worker.

    base_id: the release that it sets out from. node: the station in whose data folder its sound is.
    learnt: the verdicts to learn from, by
    incident. state: waiting for a worker; running by ``worker``, who says so until ``lease_until``;
    done, failed for good, or dropped since its verdicts hold no more. tries: how often it was
    begun. progress: 0 to 1, said: what is being done. log: what workers told of it, the end of it.
    release_id: what came of it.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_state", "state", "node"),
        _one_of("state", "waiting", "running", "done", "failed", "dropped"),
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    machine_id: Mapped[str] = mapped_column(ForeignKey("machine.id"), index=True)
    base_id: Mapped[str] = mapped_column(ForeignKey("release.id"))
    node: Mapped[str]
    learnt: Mapped[dict[str, Any]]
    state: Mapped[str]
    worker: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    progress: Mapped[float] = mapped_column(default=0.0)
    said: Mapped[str] = mapped_column(default="")
    log: Mapped[str] = mapped_column(default="")
    release_id: Mapped[str | None] = mapped_column(Id)
    created: Mapped[datetime]
    started: Mapped[datetime | None]
    ended: Mapped[datetime | None]


class ThresholdRow(Base):
    """A threshold from a time on; see ``records.ThresholdFitted``."""

    __tablename__ = "threshold"
    __table_args__ = (Index("ix_threshold_source_id", "source_id", "level", "active_from"),)
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    source_id: Mapped[str] = mapped_column(ForeignKey("source.id"))
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"))
    level: Mapped[str]
    value: Mapped[float]
    expected: Mapped[float]
    upper: Mapped[float]
    margin: Mapped[float]
    peaks: Mapped[int]
    weeks: Mapped[float]
    minutes: Mapped[int]
    reason: Mapped[str]
    active_from: Mapped[datetime]


class MinuteRow(Base):
    """What is kept of a source's minute; see ``records.MinuteHeard``."""

    __tablename__ = "minute"
    source_id: Mapped[str] = mapped_column(ForeignKey("source.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"))
    scores: Mapped[NDArray[np.float32]] = mapped_column(Float32s())
    highest: Mapped[float | None]
    minutes: Mapped[NDArray[np.float64]] = mapped_column(Float64s())
    heard: Mapped[int]
    level_db: Mapped[float | None]
    running_s: Mapped[float]
    lost_s: Mapped[float]
    operating: Mapped[str]
    fitness: Mapped[str]


class DayRow(Base):
    """A day of a source, of which ``minutes`` were scored: the median of their M.

    at: when the day begins, UTC. Minutes are forgotten after a year; a drift is told by what was
    heard first.
    """

    __tablename__ = "day"
    source_id: Mapped[str] = mapped_column(ForeignKey("source.id"), primary_key=True)
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    median: Mapped[float]
    minutes: Mapped[int]


class IncidentRow(Base):
    """An incident; see ``records.IncidentChanged``.

    explanation: what differs in its sound, None until it was explained. verdict: what the newest
    review says of it, None where nobody has or it was taken back; fault and comment are that
    review's. recording_dropped: why a recording of it is not kept, None where all are.
    """

    __tablename__ = "incident"
    __table_args__ = (
        Index(
            "uq_incident_open",
            "kind",
            "subject",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_incident_opened", "opened"),
        Index("ix_incident_ended", "ended"),
        Index("ix_incident_machine_id", "machine_id", "opened"),
        _one_of("kind", "machine", "microphone", "source", "drift"),
        _one_of("level", "moment", "watch", "alarm"),
        _one_of("state", "open", "ended", "interrupted"),
        _one_of("verdict", "anomaly", "normal", "unsure"),
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    machine_id: Mapped[str] = mapped_column(ForeignKey("machine.id"))
    source_id: Mapped[str] = mapped_column(ForeignKey("source.id"))
    subject: Mapped[str] = mapped_column(Id)
    kind: Mapped[str]
    level: Mapped[str]
    state: Mapped[str]
    opened: Mapped[datetime]
    ended: Mapped[datetime | None]
    peak: Mapped[float | None]
    peak_at: Mapped[datetime | None]
    peak_z: Mapped[bytes | None] = mapped_column(LargeBinary)  # float16 [D]
    release_id: Mapped[str | None] = mapped_column(ForeignKey("release.id"))
    threshold_id: Mapped[str | None] = mapped_column(ForeignKey("threshold.id"))
    reason: Mapped[str]
    explanation: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    recording_dropped: Mapped[str | None]
    verdict: Mapped[str | None]
    fault: Mapped[str | None]
    comment: Mapped[str | None]


class StretchRow(Base):
    """A run of minutes above a level; see ``records.StretchChanged``."""

    __tablename__ = "stretch"
    source_id: Mapped[str] = mapped_column(ForeignKey("source.id"), primary_key=True)
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"), primary_key=True)
    level: Mapped[str] = mapped_column(String(8), primary_key=True)
    first: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incident.id"), index=True)
    last: Mapped[int]
    peak: Mapped[float]
    threshold: Mapped[float]


class ClipRow(Base):
    """A recording that is kept: ``path`` in the data folder, FLAC, named by its content.

    One sound may be of several incidents. speech: seconds of it in which someone speaks, None where
    that was not looked for. protected: retention never takes it. missing: its file was not there
    when it was last looked for. node: the station in whose data folder it was put.
    """

    __tablename__ = "clip"
    id: Mapped[int] = mapped_column(Counter, primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    source_id: Mapped[str] = mapped_column(ForeignKey("source.id"), index=True)
    incident_id: Mapped[str | None] = mapped_column(ForeignKey("incident.id"), index=True)
    path: Mapped[str]
    start: Mapped[datetime] = mapped_column(index=True)
    seconds: Mapped[float]
    sample_rate_hz: Mapped[int]
    bytes: Mapped[int]
    speech: Mapped[float | None]
    use: Mapped[str]
    peak: Mapped[float | None]
    protected: Mapped[bool]
    missing: Mapped[bool] = mapped_column(default=False)
    node: Mapped[str | None]


class ReviewRow(Base):
    """What a person said of an incident; never changed. ``undoes`` is the review it takes back."""

    __tablename__ = "review"
    __table_args__ = (
        _one_of("verdict", "anomaly", "normal", "unsure", "undo"),
        UniqueConstraint("undoes"),
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incident.id"), index=True)
    at: Mapped[datetime]
    who: Mapped[str]
    verdict: Mapped[str]
    fault: Mapped[str | None]
    comment: Mapped[str | None]
    undoes: Mapped[str | None] = mapped_column(ForeignKey("review.id"))


class ChannelRow(Base):
    """A channel that is told (``[[tell]]``), and from when on: what was over before is no news."""

    __tablename__ = "channel"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[datetime]


class NoticeRow(Base):
    """Something that a channel is told, once: ``key`` says what.

    what: its kind, as ``about`` in ``[[tell]]`` has it, or "at once" or "test". at: when it was to
    be told; due: when it is tried next, later where it was held or could not be sent. body: title,
    text, link and facts. message: the message that it goes in, with others where these are many; a
    message that is tried again keeps its id. sent: when it went, error: why it did not.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("channel", "key"),
        Index("ix_notice_state", "state", "channel", "due"),
        _one_of("state", "waiting", "sent", "expired"),
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    channel: Mapped[str] = mapped_column(String(64))
    what: Mapped[str]
    key: Mapped[str] = mapped_column(String(64))
    incident_id: Mapped[str | None] = mapped_column(ForeignKey("incident.id"), index=True)
    body: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(index=True)
    due: Mapped[datetime]
    message: Mapped[str | None] = mapped_column(Id, index=True)
    state: Mapped[str]
    tries: Mapped[int]
    sent: Mapped[datetime | None]
    error: Mapped[str | None]


class AccountRow(Base):
    """A person, or a program, that may log in; ``password`` is an argon2 hash."""

    __tablename__ = "account"
    __table_args__ = (_one_of("role", "viewer", "reviewer", "admin", "worker"),)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    password: Mapped[str]
    role: Mapped[str]
    created: Mapped[datetime]


class TokenRow(Base):
    """A token of an account, for programs; ``sha256`` is what it hashes to."""

    __tablename__ = "token"
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("account.name", ondelete="CASCADE"))
    name: Mapped[str]
    created: Mapped[datetime]
    used: Mapped[datetime | None]


class AuditRow(Base):
    """Who did what, when: logins, accounts, reviews, files that retention took."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(Counter, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    who: Mapped[str]
    what: Mapped[str]
    detail: Mapped[dict[str, Any]]


class StationRow(Base):
    """A station that shares this database.

    name, address: what people call it, and where its page is. until: it lives at least until then,
    if it goes on saying so. sources: ids of those that its file names. hears: what it hears at this
    moment, for the pages of the others (``plant.elsewhere``).
    """

    __tablename__ = "station"
    node: Mapped[str] = mapped_column(String(512), primary_key=True)
    name: Mapped[str]
    address: Mapped[str]
    until: Mapped[datetime]
    sources: Mapped[list[str]]
    hears: Mapped[list[Any]]


class EnrolmentRow(Base):
    """A machine that is being enrolled, or was; ``node`` is the station that does it.

    state: recording; ready where no more is recorded; fitting while a detector is made;
    offered or failed when it is, or could not be; accepted or discarded by a person. config: the
    machine as its table in ``plant.toml`` would be, secrets as ``env:NAME``, its bundle in the data
    folder once there is one. encoder: the hash of the graph that its head is fitted on. wanted_s:
    how much running sound is to be recorded. at_once: whether the detector is made by itself then.
    reason: why it failed, or no more is recorded. report: what its page shows of the detector.
    """

    __tablename__ = "enrolment"
    __table_args__ = (
        Index(
            "uq_enrolment_name",
            "name",
            unique=True,
            sqlite_where=text("state != 'discarded'"),
            postgresql_where=text("state != 'discarded'"),
        ),
        _one_of(
            "state",
            "recording",
            "ready",
            "fitting",
            "offered",
            "failed",
            "accepted",
            "discarded",
        ),
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    node: Mapped[str] = mapped_column(String(512))
    name: Mapped[str] = mapped_column(String(64))
    state: Mapped[str]
    config: Mapped[dict[str, Any]]
    encoder: Mapped[str]
    wanted_s: Mapped[float]
    at_once: Mapped[bool]
    created: Mapped[datetime]
    who: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
