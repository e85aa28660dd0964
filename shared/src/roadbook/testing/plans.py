"""What PostgreSQL would do: the plan of a query, node by node."""

import json
from typing import Any

from roadbook.database import Connection


async def explain(connection: Connection, query: str, *arguments: Any, analyze: bool = False) -> list[dict[str, Any]]:
    """All nodes, as `EXPLAIN (FORMAT JSON)` names their parts; with `analyze` the query is carried out."""
    options = "FORMAT JSON, ANALYZE" if analyze else "FORMAT JSON"
    text: str = await connection.fetchval(f"EXPLAIN ({options}) {query}", *arguments)
    return nodes(json.loads(text)[0]["Plan"])


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in nodes(child))]
