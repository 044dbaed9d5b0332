"""Tell what drifts: the median of each day, and incidents of their own kind."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "day",
        sa.Column("source_id", sa.String(26), nullable=False),
        sa.Column("release_id", sa.String(26), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("median", sa.Double(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_day_release_id")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_day_source_id")),
        sa.PrimaryKeyConstraint("source_id", "release_id", "at", name=op.f("pk_day")),
    )
    with op.batch_alter_table("incident") as incident:
        incident.drop_constraint(op.f("ck_incident_kind"), type_="check")
        incident.create_check_constraint(
            op.f("ck_incident_kind"), "kind IN ('machine', 'microphone', 'source', 'drift')"
        )
