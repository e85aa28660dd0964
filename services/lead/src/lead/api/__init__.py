"""Lead over HTTP: parse -> command(now, actor) -> service. No SQL and no rules in here."""

from lead.api import adf, campaigns, export, group_buys, imports, leads, market, reading, test_drives, work
from lead.api.problems import PROBLEMS

ROUTERS = (
    leads.routes,
    work.routes,
    reading.routes,
    imports.routes,
    export.routes,
    adf.routes,
    campaigns.routes,
    market.routes,
    test_drives.routes,
    test_drives.cars,
    group_buys.routes,
)

__all__ = ["PROBLEMS", "ROUTERS"]
