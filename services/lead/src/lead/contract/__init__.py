"""Lead's public events, a codec per aggregate: domain event <-> `roadbook.lead.<name>.v<n>` and its JSON.

The names, the golden samples under contracts/events/lead/examples and the schemas beside them are what others rely on:
samples are never edited and never deleted. `make contracts` writes the schemas anew.
"""

from collections.abc import Mapping
from typing import Any

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
