"""Let several stations share a database."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "station",
        sa.Column("node", sa.String(length=512), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("hears", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("node", name=op.f("pk_station")),
    )
    with op.batch_alter_table("clip") as clip:
        clip.add_column(sa.Column("node", sa.Text(), nullable=True))
