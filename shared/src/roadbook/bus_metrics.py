"""Figures of the outbox, the relays and the consumers, for `/metrics`. Labels are names of our own, never data."""

from typing import Final

from prometheus_client import Counter, Gauge

OUTBOX_BACKLOG: Final = Gauge("outbox_backlog", "Positions that are not sequenced yet", ["channel"])
OUTBOX_OLDEST: Final = Gauge(
    "outbox_oldest_age_seconds",
    "Age of the oldest entry that is not confirmed on Kafka, 0 when there is none",
    ["channel"],
)
RELAY_LAG: Final = Gauge("relay_lag_events", "Log entries that are not confirmed on Kafka", ["channel"])
RELAY_PUBLISHED: Final = Counter("relay_published", "Messages confirmed by Kafka, repeats included", ["channel"])
RELAY_REBUILDS: Final = Gauge("relay_producer_rebuilds", "Producers thrown away", ["channel"])
RELAY_FAILURES: Final = Counter("relay_failures", "Rounds of a relay that ended in an error", ["channel", "reason"])

CONSUMER_LAG: Final = Gauge("consumer_lag_events", "Records of the topic not applied yet", ["consumer", "topic"])
CONSUMER_LAG_SECONDS: Final = Gauge(
    "consumer_lag_seconds", "Time since the last applied record was appended, 0 when nothing waits", ["consumer"]
)
CONSUMER_APPLIED: Final = Counter("consumer_applied", "Events or values applied", ["consumer"])
CONSUMER_DUPLICATES: Final = Counter("consumer_duplicates", "Events dropped because they were known", ["consumer"])
CONSUMER_HELD: Final = Gauge("consumer_held_events", "Events held back: gaps, and all of parked streams", ["consumer"])
CONSUMER_PARKED: Final = Gauge("consumer_parked_streams", "Streams that wait for an operator", ["consumer"])
CONSUMER_CONFLICTS: Final = Counter(
    "consumer_conflicts",
    "Different events with the same stream and version: forged, or a store was rewound",
    ["consumer"],
)
CONSUMER_LOST: Final = Counter("consumer_lost_ownership", "Batches dropped because the offset had moved", ["consumer"])
CONSUMER_RETRIES: Final = Counter("consumer_retries", "Rounds that ended in an error", ["consumer", "reason"])
CONSUMER_WATCHDOG: Final = Counter("consumer_watchdog", "Workers ended because they stood still", ["consumer"])
