"""Identity's wiring: decider + codec + store + views. `party_refs` and `consents` run commands and read, `links`
decides under the lock, `matching` finds who is alike, `learning` keeps what others learned."""

from identity.service.aggregates import AGGREGATES, apply_views
from identity.service.running import Service

__all__ = ["AGGREGATES", "Service", "apply_views"]
