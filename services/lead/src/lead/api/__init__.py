"""Lead over HTTP: parse -> command(now, actor) -> service. No SQL and no rules in here."""

from lead.api import adf, leads
from lead.api.problems import PROBLEMS

ROUTERS = (leads.routes, adf.routes)

__all__ = ["PROBLEMS", "ROUTERS"]
