"""Lead's public events, a codec per aggregate: domain event <-> `roadbook.lead.<name>.v<n>` and its JSON.

The names, the golden samples under contracts/events/lead/examples and the schemas beside them are what others rely on:
samples are never edited and never deleted. `python -m lead.contract <folder>` writes the schemas anew.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from lead.contract import campaign, group_buy, lead, media_spend, showroom_day, test_drive
from roadbook.codec import Codec

CODECS: Mapping[str, Codec[Any]] = {
    "lead": lead.codec,
    "campaign": campaign.codec,
    "showroomday": showroom_day.codec,
    "mediaspend": media_spend.codec,
    "testdrive": test_drive.codec,
    "groupbuy": group_buy.codec,
}
"""By aggregate: what stands before the `/` of a stream."""


def schemas() -> dict[str, bytes]:
    """File name -> JSON Schema of each event as it is written now, indented, with sorted keys."""
    style = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return {
        f"{event_type.name}.v{event_type.version}.schema.json": orjson.dumps(codec.schema(event_type), option=style)
        for codec in CODECS.values()
        for event_type in codec.types
    }
