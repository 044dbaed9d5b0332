"""Add the outbox: channels that are told, and what they are told."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Id = sa.String(26)
Time = sa.BigInteger()  # microseconds since 1970


def upgrade() -> None:
    op.create_index("ix_incident_ended", "incident", ["ended"], unique=False)
    op.create_table(
        "channel",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("since", Time, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_channel")),
    )
    op.create_table(
        "notice",
        sa.Column("id", Id, nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("incident_id", Id, nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("due", Time, nullable=False),
        sa.Column("message", Id, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent", Time, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'expired')", name=op.f("ck_notice_state")),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_notice_incident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("channel", "key", name=op.f("uq_notice_channel")),
    )
    for column in ("at", "incident_id", "message"):
        op.create_index(f"ix_notice_{column}", "notice", [column], unique=False)
    op.create_index("ix_notice_state", "notice", ["state", "channel", "due"], unique=False)
