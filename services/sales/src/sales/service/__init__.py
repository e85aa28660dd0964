"""Sales' wiring: decider + codec + store + views. `aggregates` is what the shell knows of each stream, `set_rules` what
several streams must keep together, `telling` how one stream's event becomes another's command."""

from sales.service.aggregates import AGGREGATES, apply_views
from sales.service.running import Service

__all__ = ["AGGREGATES", "Service", "apply_views"]
