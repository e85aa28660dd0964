"""The independent fold: records computed a second time, from the topics alone.

A package of its own that shares no line with the services and the kit, nor their Kafka client. It knows values only:
which events made them is the services' affair. `python -m checker <bootstrap> <topic>…` prints every record's hash.
"""

from checker.record import World, canonical, digest
from checker.table import Data as Facts
from checker.topics import Event, event_of, read_topics

__all__ = ["Event", "Facts", "World", "canonical", "digest", "event_of", "read_topics"]
