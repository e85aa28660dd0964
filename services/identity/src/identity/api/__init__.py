"""Identity over HTTP: parse -> command(now, actor) -> service. No SQL and no rules in here."""

from identity.api import consents, links, party_refs, proposals
from identity.api.problems import PROBLEMS

ROUTERS = (party_refs.routes, party_refs.work, consents.routes, links.routes, links.seen, proposals.routes)

__all__ = ["PROBLEMS", "ROUTERS"]
