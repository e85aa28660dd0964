"""Identity's own tables: `apply` runs in the append's transaction, the rest are queries. One module per subject."""
