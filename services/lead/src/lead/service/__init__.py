"""Lead's wiring: decider + codec + store + views. `leads` runs commands and reads, `intake` takes ADF documents,
`said` splits what somebody said into facts and personal data; `aggregates` is what the shell knows of each stream."""

from lead.service.aggregates import AGGREGATES, apply_views
from lead.service.running import Service

__all__ = ["AGGREGATES", "Service", "apply_views"]
