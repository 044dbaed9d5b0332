"""Offer odd moments: incidents below each threshold, for people to listen to."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("incident") as incident:
        incident.drop_constraint(op.f("ck_incident_level"), type_="check")
        incident.create_check_constraint(
            op.f("ck_incident_level"), "level IN ('moment', 'watch', 'alarm')"
        )
