"""Reading the record for a viewer: wiring of tables, contract and domain."""

from projection.service.gathered import NotYet
from projection.service.reasons import Reason, read_why
from projection.service.records import Entry, own_streams, read_record, read_timeline
from projection.service.search import Found, find, read_shared_reads, scope_of
from projection.service.states import KNOWN, current, load_states, personal, reach, refold, refolded
from projection.service.travel import NOW, When
from projection.service.vehicles import VehicleView, read_vehicle
from projection.service.waiting import Waiting

__all__ = [
    "KNOWN",
    "NOW",
    "Entry",
    "Found",
    "NotYet",
    "Reason",
    "VehicleView",
    "Waiting",
    "When",
    "current",
    "find",
    "load_states",
    "own_streams",
    "personal",
    "reach",
    "read_record",
    "read_shared_reads",
    "read_timeline",
    "read_vehicle",
    "read_why",
    "refold",
    "refolded",
    "scope_of",
]
