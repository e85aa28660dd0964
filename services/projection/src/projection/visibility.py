"""Who may see a stream, in SQL: who holds it, who it is shared with now, and headquarters all (`domain/sharing.py`)."""


def seen(dealer: str, at: str, *, contact: bool = False) -> str:
    """The condition on `stream_states s`. `dealer` and `at` are the numbers of parameters (`$2`): a dealer or NULL for
    headquarters, and the time. `contact`: only if the personal data may be read, too."""
    scope = " AND g.scope = 'contact'" if contact else ""
    return (
        f"({dealer}::text IS NULL OR s.dealer = {dealer} OR EXISTS (SELECT FROM stream_grants g"
        f" WHERE g.stream = s.stream AND g.dealer = {dealer} AND g.until > {at}{scope}))"
    )
