"""State the tables. Times are UTC, ids are ULIDs.

    machine --- source --- minute                what was heard, minute by minute
       |           |------ threshold             each with its reason
       |           `------ stretch               what the budget counts
       |--- release                              bundles that are or were in use
       `--- incident --- stretch, clip           what stands out
                `------- review                  what people said of it, append only
    account --- token, audit                     who may do what, and what they did

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
    type_annotation_map = {datetime: Utc(), dict[str, Any]: JSON(), str: Text()}  # noqa: RUF012


class MachineRow(Base):
    """A machine of ``plant.toml``; one that left the file stays, with ``listed`` off."""

    __tablename__ = "machine"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    budget_per_week: Mapped[float]
    running: Mapped[str]
    live_release_id: Mapped[str | None] = mapped_column(Id)
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
    # The station that listens to it, and until when it said so: a second one is refused.
    node: Mapped[str | None]
    node_until: Mapped[datetime | None]


class ReleaseRow(Base):
    """A bundle that is or was in use for a machine.

    path: where its file is kept in the data folder. encoder: the hash of its graph. report: what
    its page shows of it.
    """

    __tablename__ = "release"
    __table_args__ = (
        UniqueConstraint("machine_id", "identity"),
        _one_of("state", "live", "retired"),
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    machine_id: Mapped[str] = mapped_column(ForeignKey("machine.id"), index=True)
    identity: Mapped[str]
    encoder: Mapped[str]
    path: Mapped[str]
    parent_id: Mapped[str | None] = mapped_column(Id)
    state: Mapped[str]
    report: Mapped[dict[str, Any]]
    created: Mapped[datetime]


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
        Index("ix_incident_machine_id", "machine_id", "opened"),
        _one_of("kind", "machine", "microphone", "source"),
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
    when it was last looked for.
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


class AccountRow(Base):
    """A person, or a program, that may log in; ``password`` is an argon2 hash."""

    __tablename__ = "account"
    __table_args__ = (_one_of("role", "viewer", "reviewer", "admin"),)
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
