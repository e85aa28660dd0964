"""The projection's own tables, a module per thing kept: what the consumers and the composer write, and the queries."""
