"""The forecast stream's public events."""

from roadbook.codec import Codec, EventType
from sales.domain.forecast import Event, ForecastPublished

codec: Codec[Event] = Codec("sales", (EventType(ForecastPublished, "forecast_published"),))
