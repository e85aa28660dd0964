"""The group buy stream's public events."""

from lead.domain.group_buy import (
    Event,
    GroupBuyClosed,
    GroupBuyJoined,
    GroupBuyLeft,
    GroupBuyOpened,
    GroupBuyThresholdReached,
)
from roadbook.codec import Codec, EventType

codec: Codec[Event] = Codec(
    "lead",
    (
        EventType(GroupBuyOpened, "group_buy_opened"),
        EventType(GroupBuyJoined, "group_buy_joined"),
        EventType(GroupBuyThresholdReached, "group_buy_threshold_reached"),
        EventType(GroupBuyLeft, "group_buy_left"),
        EventType(GroupBuyClosed, "group_buy_closed"),
    ),
)
