"""What identity publishes, and what it understands of what others publish."""

from collections.abc import Mapping
from typing import Any

from identity.contract import consent, link, party_ref
from roadbook.codec import Codec

CODECS: Mapping[str, Codec[Any]] = {"partyref": party_ref.codec, "consent": consent.codec, "link": link.codec}
"""By aggregate: what stands before the `/` of a stream."""

__all__ = ["CODECS"]
