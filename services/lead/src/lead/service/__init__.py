"""Lead's wiring: decider + codec + store + views. `leads` runs commands and reads, `intake` takes ADF documents,
`said` splits what somebody said into facts and personal data."""

from lead.service.aggregate import Service, aggregate, apply_views

__all__ = ["Service", "aggregate", "apply_views"]
