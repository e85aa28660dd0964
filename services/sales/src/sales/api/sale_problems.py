"""What is refused of quotes, contracts, orders and vehicles."""

from roadbook.http.problems import ProblemType


def refused(code: str, explanation: str, what_to_do: str) -> ProblemType:
    return ProblemType(code, 409, code.replace("_", " ").capitalize(), explanation, what_to_do, False)


QUOTE = (
    refused("quote_exists", "The quote is there already, with other lines.", "Read it."),
    refused("quote_unknown", "There is no such quote.", "Issue it first."),
    refused("quote_expired", "The quote stood until a time that is over.", "Issue a new one."),
    refused("quote_closed", "The quote was accepted or withdrawn.", "Read it, and issue a new one if need be."),
    refused("quote_without_vehicle", "A quote offers at least one vehicle.", "Add a line of kind `vehicle`."),
    refused(
        "quote_amounts",
        "A discount is below zero and everything else is not, and the sum is not below zero.",
        "Correct the amounts.",
    ),
    refused("quote_in_the_past", "The quote would have expired before it was issued.", "Name a later time, or none."),
    refused(
        "opportunity_has_quote",
        "Another quote of the opportunity is accepted. One stands at a time.",
        "Withdraw that one first, and accept this one under a new Idempotency-Key.",
    ),
    refused("quote_signed", "A contract stands on the quote.", "Cancel the contract first."),
)

CONTRACT = (
    refused("contract_exists", "The contract is there already, with another document.", "Amend it."),
    refused("contract_unknown", "There is no such contract.", "Sign it first."),
    refused("contract_cancelled", "The contract was cancelled.", "Sign another one."),
    refused("contract_delivered", "A vehicle was delivered under the contract.", "Cancel the orders that still stand."),
    refused(
        "opportunity_has_contract",
        "Another contract of the opportunity stands. One stands at a time.",
        "Amend that one, or cancel it first.",
    ),
    refused("quote_not_accepted", "The quote was not accepted, or no longer is.", "Accept it first."),
    refused(
        "tender_number",
        "A contract has the number of a tender exactly when it was procured by one.",
        "Give `procurement: tender` and `tender` together, or neither.",
    ),
    refused("contract_lines", "Two lines have the same number.", "Give each line a number of its own, or none."),
    refused("contract_line_unknown", "The contract has no line of this number.", "Leave `line` out for a new one."),
    refused(
        "contract_line_ordered",
        "More orders stand on a line than it would have vehicles, or it would be of another model.",
        "Cancel orders first.",
    ),
    refused("contract_line_full", "For every vehicle of the line an order stands.", "Amend the contract first."),
    refused("document_unchanged", "The lines change, and the document would be the same.", "Send the new one's hash."),
    refused("receipt_exists", "The receipt was used for another amount.", "Use a number of its own for each deposit."),
    refused("receipt_unknown", "No deposit was received under this receipt.", "Name the receipt by which it came."),
    refused("receipt_refunded", "Another amount was given back of this deposit.", "Read the contract."),
    refused("refund_exceeds_deposit", "More would be given back than came.", "Give back at most the deposit."),
    refused("currency_differs", "The contract is in another currency.", "Use the contract's."),
    refused("finance_application_exists", "The application is there already, for another sum.", "Read the contract."),
    refused("finance_application_unknown", "There is no such application.", "Record it first."),
    refused("finance_exceeds_total", "More would be financed than the contract is worth.", "Apply for less."),
    refused("finance_decided", "The provider has decided otherwise before.", "Record a new application."),
)

ORDER = (
    refused("order_exists", "The order is there already, on another line.", "Read it."),
    refused("order_unknown", "There is no such order.", "Place it first."),
    refused("order_closed", "The order was cancelled or delivered.", "Place another one."),
    refused("promised_in_the_past", "The promised day is over.", "Promise a later one, or none."),
    refused("priority_reason_unknown", "The rules know no such reason to prefer an order.", "Use one that they know."),
    refused("order_has_vehicle", "The order has another vehicle.", "Take that one away first."),
    refused("order_without_vehicle", "The order has no vehicle to be handed over.", "Allocate one first."),
    refused("vehicle_taken", "The vehicle is not free. It is allocated once.", "Choose another one."),
    refused("delay_not_later", "The day is over, or not later than the promised one.", "Promise a later day."),
    refused("insurance_over", "The insurance would be over already.", "Name a day in the future."),
)

VEHICLE = (
    refused("vehicle_not_in_stock", "The vehicle is not in your stock.", "Record how you came by it first."),
    refused(
        "ownership_not_later",
        "The vehicle changed hands at this time or later. Intervals of owners do not overlap.",
        "Record changes in the order in which they happened.",
    ),
)

SALE = (*QUOTE, *CONTRACT, *ORDER, *VEHICLE)
