"""Roadbook: projection: written by `make contracts` from contracts/openapi/projection.json."""

from __future__ import annotations

from datetime import datetime

from roadbook_client.paging import Listing
from roadbook_client.projection import models
from roadbook_client.session import Operations, Position, position, segment


class Projection(Operations):
    """One lifetime record per customer, derived from everything that happened."""

    async def read_customer(
        self,
        customer_id: str,
        *,
        min: Position | None = None,
        as_of: datetime | str | None = None,
        known_at: datetime | str | None = None,
    ) -> models.RecordShown:
        """Read a lifetime record.

        One customer, from all streams the caller's dealer holds or was granted (headquarters: all). Everything in
        the answer, ids, counts, hash and ETag included, is made of these alone. A read through a share is put on
        record.

        With `as_of` and `known_at` the record as it was, and as it was known; what may be seen is what may be seen
        now.

        Refusals: invalid_request.

        min: `position` of a command's answer: the read waits up to 2 s until it shows that.

        as_of: Only what had happened by then; the record is judged at that moment.

        known_at: Only what had been stored by then, links included. Personal values are those of today.
        """
        answer: models.RecordShown = await self._read(
            "GET",
            f"/v1/customers/{segment(customer_id)}",
            query={"min": position(min), "as_of": as_of, "known_at": known_at},
        )
        return answer

    def read_timeline(
        self,
        customer_id: str,
        *,
        type: str | None = None,
        stream: str | None = None,
        from_: datetime | str | None = None,
        to: datetime | str | None = None,
        min: Position | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        as_of: datetime | str | None = None,
        known_at: datetime | str | None = None,
    ) -> Listing[models.TimelinePage, models.TimelineEntry]:
        """Read a timeline.

        Every event the caller may see, by when it occurred, then stream and version. No personal data. A read
        through a share is put on record.

        Refusals: invalid_request.

        from_: Occurred at or after.

        to: Occurred before.

        min: `position` of a command's answer: the read waits up to 2 s until it shows that.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.

        as_of: Only what had happened by then; the record is judged at that moment.

        known_at: Only what had been stored by then, links included. Personal values are those of today.
        """
        return self._list(
            "GET",
            f"/v1/customers/{segment(customer_id)}/timeline",
            cursor=cursor,
            query={
                "type": type,
                "stream": stream,
                "from": from_,
                "to": to,
                "min": position(min),
                "limit": limit,
                "as_of": as_of,
                "known_at": known_at,
            },
        )

    def search_customers(
        self,
        body: models.SearchRequest,
        *,
        min: Position | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.FoundPage, models.FoundCustomer]:
        """Find customers.

        Customers of the caller's dealer, and such as were shared with it (headquarters: all), by phone, e-mail,
        name or VIN. What is found through a share is put on record.

        Refusals: conflict, invalid_request.

        min: `position` of a command's answer: the read waits up to 2 s until it shows that.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list(
            "POST", "/v1/customers:search", cursor=cursor, query={"min": position(min), "limit": limit}, json=body
        )

    async def read_why(
        self,
        customer_id: str,
        *,
        path: str,
        min: Position | None = None,
        as_of: datetime | str | None = None,
        known_at: datetime | str | None = None,
    ) -> models.WhyShown:
        """Ask why a record says something.

        One value of the record as you would read it, the events that made it, as few as do, and the rule that
        judged them. Of a personal value where it comes from. A read through a share is put on record.

        Refusals: invalid_request.

        path: JSON Pointer (RFC 6901) into the record as it is shown.

        min: `position` of a command's answer: the read waits up to 2 s until it shows that.

        as_of: Only what had happened by then; the record is judged at that moment.

        known_at: Only what had been stored by then, links included. Personal values are those of today.
        """
        answer: models.WhyShown = await self._read(
            "GET",
            f"/v1/customers/{segment(customer_id)}/why",
            query={"path": path, "min": position(min), "as_of": as_of, "known_at": known_at},
        )
        return answer

    async def read_vehicle(
        self,
        vin: str,
        *,
        min: Position | None = None,
    ) -> models.VehicleShown:
        """Read whose a vehicle was.

        Its owners one after the other, its deliveries and its trade-ins: what the caller's dealer did itself
        (headquarters: all). No personal data.

        Refusals: invalid_request.

        min: `position` of a command's answer: the read waits up to 2 s until it shows that.
        """
        answer: models.VehicleShown = await self._read(
            "GET", f"/v1/vehicles/{segment(vin)}", query={"min": position(min)}
        )
        return answer

    def list_shared_reads(
        self,
        *,
        stream: str,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Listing[models.SharedReadsPage, models.SharedRead]:
        """List reads through shares.

        Every answer that showed something of a stream through a share: to whom, when and by which request. Only for
        the dealer that holds the stream now, and for headquarters.

        Refusals: invalid_request.

        stream: A stream that the caller's dealer holds.

        limit: Items per page; 100 if not given.

        cursor: `next_cursor` of the page before.
        """
        return self._list("GET", "/v1/shared-reads", cursor=cursor, query={"stream": stream, "limit": limit})
