"""The bus on Apache Kafka: the only package that imports aiokafka (0.14, whose source was read for it).

Two rules run through it. A producer or consumer that failed in any way is thrown away whole, never used again (T10):
its sequence numbers may have a hole, its position may have moved past a record. And no task is ever cancelled inside
an aiokafka call: what takes too long is left behind, and buried once it comes back.
"""

from roadbook.kafka.admin import (
    FACT_TOPIC_CONFIG,
    PERSONAL_TOPIC_CONFIG,
    TopicSpec,
    create_topics,
    end_offsets,
    partitions_for,
)
from roadbook.kafka.publisher import KafkaPublisher, KafkaTransactionalPublisher, partition_of
from roadbook.kafka.subscription import KafkaSubscription

__all__ = [
    "FACT_TOPIC_CONFIG",
    "PERSONAL_TOPIC_CONFIG",
    "KafkaPublisher",
    "KafkaSubscription",
    "KafkaTransactionalPublisher",
    "TopicSpec",
    "create_topics",
    "end_offsets",
    "partition_of",
    "partitions_for",
]
