"""The sales target stream's public events."""

from roadbook.codec import Codec, EventType
from sales.domain.salestarget import Event, SalesTargetSet

codec: Codec[Event] = Codec("sales", (EventType(SalesTargetSet, "sales_target_set"),))
