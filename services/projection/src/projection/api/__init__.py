"""The service over HTTP."""

from projection.api import customers, reasons, shared_reads, vehicles
from projection.api.parts import Running
from projection.api.problems import PROBLEMS

ROUTERS = (customers.routes, reasons.routes, vehicles.routes, shared_reads.routes)

__all__ = ["PROBLEMS", "ROUTERS", "Running"]
