"""The service over HTTP."""

from projection.api import customers, shared_reads
from projection.api.parts import PROBLEMS, Running

ROUTERS = (customers.routes, shared_reads.routes)

__all__ = ["PROBLEMS", "ROUTERS", "Running"]
