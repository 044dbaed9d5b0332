"""Make the first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Id = sa.String(26)
Time = sa.BigInteger()  # microseconds since 1970


def upgrade() -> None:
    _account()
    _audit()
    _machine()
    _release()
    _source()
    _token()
    _minute()
    _threshold()
    _incident()
    _clip()
    _review()
    _stretch()


def _account() -> None:
    op.create_table(
        "account",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created", Time, nullable=False),
        sa.CheckConstraint("role IN ('viewer', 'reviewer', 'admin')", name=op.f("ck_account_role")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_account")),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)


def _machine() -> None:
    op.create_table(
        "machine",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("budget_per_week", sa.Double(), nullable=False),
        sa.Column("running", sa.Text(), nullable=False),
        sa.Column("live_release_id", Id, nullable=True),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_machine")),
        sa.UniqueConstraint("name", name=op.f("uq_machine_name")),
    )


def _release() -> None:
    op.create_table(
        "release",
        sa.Column("id", Id, nullable=False),
        sa.Column("machine_id", Id, nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("encoder", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("parent_id", Id, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("created", Time, nullable=False),
        sa.CheckConstraint("state IN ('live', 'retired')", name=op.f("ck_release_state")),
        sa.ForeignKeyConstraint(["machine_id"], ["machine.id"], name=op.f("fk_release_machine_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
        sa.UniqueConstraint("machine_id", "identity", name=op.f("uq_release_machine_id")),
    )
    op.create_index("ix_release_machine_id", "release", ["machine_id"], unique=False)


def _source() -> None:
    op.create_table(
        "source",
        sa.Column("id", Id, nullable=False),
        sa.Column("machine_id", Id, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("node_until", Time, nullable=True),
        sa.ForeignKeyConstraint(["machine_id"], ["machine.id"], name=op.f("fk_source_machine_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("name", name=op.f("uq_source_name")),
    )
    op.create_index("ix_source_machine_id", "source", ["machine_id"], unique=False)


def _token() -> None:
    op.create_table(
        "token",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", Time, nullable=False),
        sa.Column("used", Time, nullable=True),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_token_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_token")),
    )


def _minute() -> None:
    op.create_table(
        "minute",
        sa.Column("source_id", Id, nullable=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("release_id", Id, nullable=False),
        sa.Column("scores", sa.LargeBinary(), nullable=False),
        sa.Column("highest", sa.Double(), nullable=True),
        sa.Column("minutes", sa.LargeBinary(), nullable=False),
        sa.Column("heard", sa.Integer(), nullable=False),
        sa.Column("level_db", sa.Double(), nullable=True),
        sa.Column("running_s", sa.Double(), nullable=False),
        sa.Column("lost_s", sa.Double(), nullable=False),
        sa.Column("operating", sa.Text(), nullable=False),
        sa.Column("fitness", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_minute_release_id")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_minute_source_id")),
        sa.PrimaryKeyConstraint("source_id", "at", name=op.f("pk_minute")),
    )


def _threshold() -> None:
    op.create_table(
        "threshold",
        sa.Column("id", Id, nullable=False),
        sa.Column("source_id", Id, nullable=False),
        sa.Column("release_id", Id, nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("expected", sa.Double(), nullable=False),
        sa.Column("upper", sa.Double(), nullable=False),
        sa.Column("margin", sa.Double(), nullable=False),
        sa.Column("peaks", sa.Integer(), nullable=False),
        sa.Column("weeks", sa.Double(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("active_from", Time, nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_threshold_release_id")
        ),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_threshold_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threshold")),
    )
    op.create_index(
        "ix_threshold_source_id", "threshold", ["source_id", "level", "active_from"], unique=False
    )


def _incident() -> None:
    op.create_table(
        "incident",
        sa.Column("id", Id, nullable=False),
        sa.Column("machine_id", Id, nullable=False),
        sa.Column("source_id", Id, nullable=False),
        sa.Column("subject", Id, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened", Time, nullable=False),
        sa.Column("ended", Time, nullable=True),
        sa.Column("peak", sa.Double(), nullable=True),
        sa.Column("peak_at", Time, nullable=True),
        sa.Column("peak_z", sa.LargeBinary(), nullable=True),
        sa.Column("release_id", Id, nullable=True),
        sa.Column("threshold_id", Id, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("explanation", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("recording_dropped", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('machine', 'microphone', 'source')", name=op.f("ck_incident_kind")
        ),
        sa.CheckConstraint("level IN ('watch', 'alarm')", name=op.f("ck_incident_level")),
        sa.CheckConstraint(
            "state IN ('open', 'ended', 'interrupted')", name=op.f("ck_incident_state")
        ),
        sa.CheckConstraint(
            "verdict IN ('anomaly', 'normal', 'unsure')", name=op.f("ck_incident_verdict")
        ),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machine.id"], name=op.f("fk_incident_machine_id")
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_incident_release_id")
        ),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_incident_source_id")),
        sa.ForeignKeyConstraint(
            ["threshold_id"], ["threshold.id"], name=op.f("fk_incident_threshold_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    op.create_index("ix_incident_machine_id", "incident", ["machine_id", "opened"], unique=False)
    op.create_index("ix_incident_opened", "incident", ["opened"], unique=False)
    op.create_index(
        "uq_incident_open",
        "incident",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )


def _clip() -> None:
    op.create_table(
        "clip",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("source_id", Id, nullable=False),
        sa.Column("incident_id", Id, nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("start", Time, nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("sample_rate_hz", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("speech", sa.Double(), nullable=True),
        sa.Column("use", sa.Text(), nullable=False),
        sa.Column("peak", sa.Double(), nullable=True),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("missing", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_clip_incident_id")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_clip_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clip")),
    )
    op.create_index("ix_clip_incident_id", "clip", ["incident_id"], unique=False)
    op.create_index("ix_clip_sha256", "clip", ["sha256"], unique=False)
    op.create_index("ix_clip_source_id", "clip", ["source_id"], unique=False)
    op.create_index("ix_clip_start", "clip", ["start"], unique=False)


def _review() -> None:
    op.create_table(
        "review",
        sa.Column("id", Id, nullable=False),
        sa.Column("incident_id", Id, nullable=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("undoes", Id, nullable=True),
        sa.CheckConstraint(
            "verdict IN ('anomaly', 'normal', 'unsure', 'undo')", name=op.f("ck_review_verdict")
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_review_incident_id")
        ),
        sa.ForeignKeyConstraint(["undoes"], ["review.id"], name=op.f("fk_review_undoes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        sa.UniqueConstraint("undoes", name=op.f("uq_review_undoes")),
    )
    op.create_index("ix_review_incident_id", "review", ["incident_id"], unique=False)


def _stretch() -> None:
    op.create_table(
        "stretch",
        sa.Column("source_id", Id, nullable=False),
        sa.Column("release_id", Id, nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("incident_id", Id, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("peak", sa.Double(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_stretch_incident_id")
        ),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_stretch_release_id")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_stretch_source_id")),
        sa.PrimaryKeyConstraint(
            "source_id", "release_id", "level", "first", name=op.f("pk_stretch")
        ),
    )
    op.create_index("ix_stretch_incident_id", "stretch", ["incident_id"], unique=False)
