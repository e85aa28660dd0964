"""Sales over HTTP: parse -> command(now, actor) -> service. No SQL and no rules in here."""

from sales.api import (
    accessory_sales,
    allocation,
    commissions,
    contracts,
    forecasts,
    money,
    opportunities,
    orders,
    quotes,
    reports,
    trade_ins,
    vehicles,
)
from sales.api.problems import PROBLEMS

ROUTERS = (
    opportunities.routes,
    quotes.routes,
    contracts.routes,
    money.routes,
    orders.routes,
    allocation.routes,
    vehicles.routes,
    trade_ins.routes,
    accessory_sales.routes,
    commissions.routes,
    forecasts.routes,
    reports.routes,
)

TAGS = (
    {"name": "opportunities", "description": "Who means to buy, and what came of it."},
    {"name": "quotes", "description": "What is offered, and until when."},
    {"name": "contracts", "description": "What was signed and amended, deposits and finance."},
    {"name": "orders", "description": "One vehicle each, from the order to the delivery."},
    {"name": "vehicles", "description": "Who owned a vehicle when."},
    {"name": "trade-ins", "description": "Appraise old vehicles, agree on them and receive them."},
    {"name": "accessory-sales", "description": "Sell accessories, and take them back."},
    {"name": "commissions", "description": "What staff earned, with a receipt for every amount."},
    {"name": "reports", "description": "What was sold: by person, and with what."},
    {"name": "forecasts", "description": "Targets, the weighted pipeline, and how right forecasts were."},
)

__all__ = ["PROBLEMS", "ROUTERS", "TAGS"]
