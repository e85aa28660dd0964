"""What a service says on Kafka, as its documents have it."""

from pathlib import Path

import yaml

from roadbook.codec import Codec, EventType
from roadbook.http.asyncapi import document
from roadbook.messages import Messages, topics
from roadbook.testing import boxes

CODECS = {"box": Codec("thing", (EventType(boxes.Filled, "filled"),))}


def test_a_topic_is_named_after_the_service_or_as_it_is_told(tmp_path: Path) -> None:
    own = Messages("thing", tmp_path, CODECS)
    other = Messages("thing", tmp_path, CODECS, sends_to="roadbook.elsewhere.v1")
    assert [topic for topic, _ in topics(own)] == ["roadbook.thing.v1"]
    assert [topic for topic, _ in topics(other)] == ["roadbook.elsewhere.v1"]
    text = yaml.safe_dump(document(other, title="T", version="1"))
    assert "roadbook.elsewhere.v1" in text
    assert "roadbook.thing.v1" not in text
