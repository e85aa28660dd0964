"""Sales over HTTP: parse -> command(now, actor) -> service. No SQL and no rules in here."""

from sales.api import opportunities
from sales.api.problems import PROBLEMS

ROUTERS = (opportunities.routes,)

TAGS = ({"name": "opportunities", "description": "Who means to buy, and what came of it."},)

__all__ = ["PROBLEMS", "ROUTERS", "TAGS"]
