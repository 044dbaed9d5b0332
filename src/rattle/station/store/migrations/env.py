"""Take the steps over the connection that ``migrate`` gives; alembic runs this file."""

from alembic import context

from rattle.station.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite changes a table by making it anew.
    render_as_batch=True,
)
context.run_migrations()
