"""The projection service: one lifetime record per customer. It decides nothing."""
