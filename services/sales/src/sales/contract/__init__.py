"""Sales' public events, a codec per aggregate: domain event <-> `roadbook.sales.<name>.v<n>` and its JSON.

The names, the golden samples under contracts/events/sales/examples and the schemas beside them are what others rely on:
samples are never edited and never deleted. `make contracts` writes the schemas anew.
"""

from collections.abc import Mapping
from typing import Any

from roadbook.codec import Codec
from sales.contract import (
    accessorysale,
    commission,
    contract,
    forecast,
    opportunity,
    order,
    quote,
    salestarget,
    tradein,
    vehicle,
)

CODECS: Mapping[str, Codec[Any]] = {
    "opportunity": opportunity.codec,
    "quote": quote.codec,
    "contract": contract.codec,
    "order": order.codec,
    "vehicle": vehicle.codec,
    "tradein": tradein.codec,
    "accessorysale": accessorysale.codec,
    "commission": commission.codec,
    "salestarget": salestarget.codec,
    "forecast": forecast.codec,
}
"""By aggregate: what stands before the `/` of a stream."""
