"""What Alembic runs: the steps, on the connection it was handed."""

from alembic import context

from linernotes.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
