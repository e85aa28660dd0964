"""The sales service's events as this service reads them: those that belong to a party or a vehicle."""

from projection.domain.streams import accessorysale, contract, opportunity, order, quote, tradein, vehicle
from roadbook.codec import Codec, EventType

SALES: Codec[
    opportunity.Event | quote.Event | contract.Event | order.Event | accessorysale.Event | tradein.Event | vehicle.Event
] = Codec(
    "sales",
    (
        EventType(opportunity.OpportunityOpened, "opportunity_opened"),
        EventType(opportunity.OpportunityAssigned, "opportunity_assigned"),
        EventType(opportunity.OpportunityWon, "opportunity_won"),
        EventType(opportunity.OpportunityLost, "opportunity_lost"),
        EventType(opportunity.OpportunityReopened, "opportunity_reopened"),
        EventType(quote.QuoteIssued, "quote_issued"),
        EventType(quote.QuoteAccepted, "quote_accepted"),
        EventType(quote.QuoteExpired, "quote_expired"),
        EventType(quote.QuoteWithdrawn, "quote_withdrawn"),
        EventType(contract.ContractSigned, "contract_signed"),
        EventType(contract.ContractAmended, "contract_amended"),
        EventType(contract.ContractCancelled, "contract_cancelled"),
        EventType(contract.DepositReceived, "deposit_received"),
        EventType(contract.DepositRefunded, "deposit_refunded"),
        EventType(contract.FinanceApplied, "finance_applied"),
        EventType(contract.FinanceApproved, "finance_approved"),
        EventType(contract.FinanceDeclined, "finance_declined"),
        EventType(order.OrderPlaced, "order_placed"),
        EventType(order.OrderPrioritised, "order_prioritised"),
        EventType(order.OrderAllocated, "order_allocated"),
        EventType(order.OrderDeallocated, "order_deallocated"),
        EventType(order.OrderDelayed, "order_delayed"),
        EventType(order.OrderCancelled, "order_cancelled"),
        EventType(order.InsuranceArranged, "insurance_arranged"),
        EventType(order.VehicleDelivered, "vehicle_delivered"),
        EventType(accessorysale.AccessorySold, "accessory_sold"),
        EventType(accessorysale.AccessoryReturned, "accessory_returned"),
        EventType(tradein.TradeInAppraised, "trade_in_appraised"),
        EventType(tradein.TradeInAgreed, "trade_in_agreed"),
        EventType(tradein.TradeInReceived, "trade_in_received"),
        EventType(tradein.TradeInDeclined, "trade_in_declined"),
        EventType(vehicle.OwnershipTransferred, "ownership_transferred"),
        EventType(vehicle.UsedVehicleSold, "used_vehicle_sold"),
    ),
)
