"""Train encoders: jobs for workers, the releases that come of them, and accounts of workers."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

Id = sa.String(26)
Time = sa.BigInteger()  # microseconds since 1970


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("id", Id, nullable=False),
        sa.Column("machine_id", Id, nullable=False),
        sa.Column("base_id", Id, nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("learnt", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("lease_until", Time, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("release_id", Id, nullable=True),
        sa.Column("created", Time, nullable=False),
        sa.Column("started", Time, nullable=True),
        sa.Column("ended", Time, nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'dropped')",
            name=op.f("ck_job_state"),
        ),
        sa.ForeignKeyConstraint(["base_id"], ["release.id"], name=op.f("fk_job_base_id")),
        sa.ForeignKeyConstraint(["machine_id"], ["machine.id"], name=op.f("fk_job_machine_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_machine_id", "job", ["machine_id"], unique=False)
    op.create_index("ix_job_state", "job", ["state", "node"], unique=False)
    with op.batch_alter_table("release") as release:
        release.drop_constraint(op.f("ck_release_kind"), type_="check")
        release.create_check_constraint(
            op.f("ck_release_kind"), "kind IN ('given', 'head', 'encoder')"
        )
    with op.batch_alter_table("account") as account:
        account.drop_constraint(op.f("ck_account_role"), type_="check")
        account.create_check_constraint(
            op.f("ck_account_role"), "role IN ('viewer', 'reviewer', 'admin', 'worker')"
        )
