"""Learn from reviews: releases that are offered, what they make of stored sound, who chose them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Id = sa.String(26)
Time = sa.BigInteger()  # microseconds since 1970
STATES = "'gating', 'candidate', 'refused', 'superseded', 'live', 'retired'"


def upgrade() -> None:
    with op.batch_alter_table("machine") as machine:
        machine.add_column(sa.Column("given", sa.Text(), nullable=True))
    with op.batch_alter_table("release") as release:
        release.add_column(sa.Column("kind", sa.Text(), nullable=False, server_default="given"))
        release.add_column(sa.Column("gate", sa.JSON(), nullable=True))
        release.add_column(sa.Column("learnt", sa.JSON(), nullable=True))
        release.drop_constraint(op.f("ck_release_state"), type_="check")
        release.create_check_constraint(op.f("ck_release_state"), f"state IN ({STATES})")
        release.create_check_constraint(op.f("ck_release_kind"), "kind IN ('given', 'head')")
    with op.batch_alter_table("release") as release:
        release.alter_column("kind", server_default=None)
    # Until now every machine's live release was the bundle that its file named.
    op.execute(
        "UPDATE machine SET given = "
        "(SELECT identity FROM release WHERE release.id = machine.live_release_id)"
    )
    _replayed()
    _promotion()


def _replayed() -> None:
    op.create_table(
        "replayed",
        sa.Column("source_id", Id, nullable=False),
        sa.Column("release_id", Id, nullable=False),
        sa.Column("minutes", sa.LargeBinary(), nullable=False),
        sa.Column("until", Time, nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_replayed_release_id")
        ),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_replayed_source_id")),
        sa.PrimaryKeyConstraint("source_id", "release_id", name=op.f("pk_replayed")),
    )


def _promotion() -> None:
    op.create_table(
        "promotion",
        sa.Column("id", Id, nullable=False),
        sa.Column("machine_id", Id, nullable=False),
        sa.Column("release_id", Id, nullable=False),
        sa.Column("before_id", Id, nullable=True),
        sa.Column("at", Time, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machine.id"], name=op.f("fk_promotion_machine_id")
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_promotion_release_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotion")),
    )
    op.create_index("ix_promotion_machine_id", "promotion", ["machine_id"], unique=False)
