"""`Roadbook`: where a program begins."""

from types import TracebackType
from typing import Self

import httpx2

from roadbook_client.identity.operations import Identity
from roadbook_client.lead.operations import Lead
from roadbook_client.projection.operations import Projection
from roadbook_client.sales.operations import Sales
from roadbook_client.session import Session, Tokens, TokenSource

NOWHERE = "http://nowhere.invalid"


class Roadbook:
    """The services for one caller. Close it, or use it as `async with`.

    `lead`, `projection`, `identity`, `sales`: base URLs; a service without one cannot be reached. `token`: a string, or
    a function (async or not) that returns one; it is called again when a service refuses the token it gave.
    `patience`: seconds until a call gives up, repeats included. `timeout`: seconds an attempt waits for a sign of life.
    `http`: a client of yours, which is then yours to close.

    The client's own connections follow no redirect and take neither proxy nor certificates from the environment.
    """

    lead: Lead
    projection: Projection
    identity: Identity
    sales: Sales

    def __init__(
        self,
        *,
        lead: str,
        projection: str,
        identity: str = NOWHERE,
        sales: str = NOWHERE,
        token: str | TokenSource,
        patience: float = 30.0,
        timeout: float = 10.0,
        connections: int = 100,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        self._owns = http is None
        self._http = http or httpx2.AsyncClient(
            trust_env=False, limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
        )
        self._urls = (lead, projection, identity, sales)
        self._times = (patience, timeout)
        self._set(Tokens(_source(token)))

    def _set(self, tokens: Tokens) -> None:
        self._tokens = tokens
        lead, projection, identity, sales = self._urls
        self.lead = Lead(Session(self._http, lead, tokens, *self._times))
        self.projection = Projection(Session(self._http, projection, tokens, *self._times))
        self.identity = Identity(Session(self._http, identity, tokens, *self._times))
        self.sales = Sales(Session(self._http, sales, tokens, *self._times))

    def acting_for(self, token: str | TokenSource) -> "Roadbook":
        """The same services and connections for another caller. Closing it closes nothing."""
        return self._sibling(Tokens(_source(token)), self._times)

    def waiting(self, *, patience: float | None = None, timeout: float | None = None) -> "Roadbook":
        """The same caller with other times: for a large import, say. Closing it closes nothing."""
        return self._sibling(self._tokens, (patience or self._times[0], timeout or self._times[1]))

    def _sibling(self, tokens: Tokens, times: tuple[float, float]) -> "Roadbook":
        other = object.__new__(Roadbook)
        other._owns, other._http, other._urls, other._times = False, self._http, self._urls, times
        other._set(tokens)
        return other

    async def aclose(self) -> None:
        if self._owns:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _source(token: str | TokenSource) -> TokenSource:
    return (lambda: token) if isinstance(token, str) else token
