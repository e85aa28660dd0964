"""Lead's own tables, a module per thing shown: `apply` runs in the append's transaction, the rest are queries."""
