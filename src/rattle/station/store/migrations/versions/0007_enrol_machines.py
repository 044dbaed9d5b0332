"""Enrol machines while the station runs."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATES = "'recording', 'ready', 'fitting', 'offered', 'failed', 'accepted', 'discarded'"


def upgrade() -> None:
    op.create_table(
        "enrolment",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("node", sa.String(512), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("encoder", sa.Text(), nullable=False),
        sa.Column("wanted_s", sa.Double(), nullable=False),
        sa.Column("at_once", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=True),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_enrolment_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment")),
    )
    op.create_index(
        "uq_enrolment_name",
        "enrolment",
        ["name"],
        unique=True,
        sqlite_where=sa.text("state != 'discarded'"),
        postgresql_where=sa.text("state != 'discarded'"),
    )
