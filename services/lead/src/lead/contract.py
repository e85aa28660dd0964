"""Lead's public events: domain event <-> `roadbook.lead.<name>.v<n>` and its JSON.

The names, the golden samples under contracts/events/lead/examples and the schemas beside them are what others rely on:
samples are never edited and never deleted. `python -m lead.contract <folder>` writes the schemas anew.
"""

import sys
from pathlib import Path

import orjson

from lead.domain.lead import (
    Event,
    FollowUpMissed,
    FollowUpScheduled,
    LeadCaptured,
    LeadEnriched,
    LeadLost,
    LeadQualified,
    LeadReopened,
)
from roadbook.codec import Codec, EventType

codec: Codec[Event] = Codec(
    "lead",
    (
        EventType(LeadCaptured, "lead_captured"),
        EventType(LeadEnriched, "lead_enriched"),
        EventType(LeadQualified, "lead_qualified"),
        EventType(FollowUpScheduled, "follow_up_scheduled"),
        EventType(FollowUpMissed, "follow_up_missed"),
        EventType(LeadLost, "lead_lost"),
        EventType(LeadReopened, "lead_reopened"),
    ),
)


def schemas() -> dict[str, bytes]:
    """File name -> JSON Schema of each event as it is written now, indented, with sorted keys."""
    style = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return {
        f"{event_type.name}.v{event_type.version}.schema.json": orjson.dumps(codec.schema(event_type), option=style)
        for event_type in codec.types
    }


def write_schemas(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in schemas().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
