"""The service over HTTP."""

from projection.api import customers, shared_reads
from projection.api.parts import Running
from projection.api.problems import PROBLEMS

ROUTERS = (customers.routes, shared_reads.routes)

__all__ = ["PROBLEMS", "ROUTERS", "Running"]
