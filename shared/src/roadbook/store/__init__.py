"""The event store: a port (`port`), its Postgres and its memory implementation, one contract suite for both."""
