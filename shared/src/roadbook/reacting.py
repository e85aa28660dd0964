"""A reaction as a worker of a service: its consumer on another service's topic, in the service's own database."""

from collections.abc import Callable

from roadbook.consumer import Consumer
from roadbook.consumer_store import PostgresConsumerStore
from roadbook.database import Pool
from roadbook.kafka import KafkaSubscription
from roadbook.messages import Receives
from roadbook.reactions import Reaction, Reactions
from roadbook.runtime import Worker
from roadbook.settings import Settings


def reacting(pool: Pool, settings: Settings, topic: str, reaction: Reaction, wake: Callable[[], None]) -> Worker:
    """`wake` is called after a commit in which something was written: `Wakes.committed` of the service."""
    return Consumer(
        name=reaction.name,
        store=PostgresConsumerStore(pool, reaction.name),
        subscription=KafkaSubscription(settings.kafka_bootstrap, group=_group(reaction.name), client_id=reaction.name),
        topics=(topic,),
        work=Reactions(reaction, wake),
        crash_prefix="react",
        ordinal=settings.ordinal,
        replicas=settings.replicas,
    ).run


def heard(topic: str, reaction: str, types: frozenset[str]) -> Receives:
    """What a reaction takes from a topic, for the service's `Messages`."""
    return Receives(topic, _group(reaction), tuple(sorted(types)))


def _group(reaction: str) -> str:
    return f"roadbook.{reaction}"
