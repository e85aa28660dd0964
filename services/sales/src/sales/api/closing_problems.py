"""What is refused of trade-ins, accessory sales and commissions."""

from roadbook.http.problems import ProblemType


def _refused(code: str, explanation: str, what_to_do: str) -> ProblemType:
    return ProblemType(code, 409, code.replace("_", " ").capitalize(), explanation, what_to_do, False)


CLOSING = (
    _refused("trade_in_exists", "The trade-in is there already, of another appraisal.", "Read it."),
    _refused("trade_in_unknown", "There is no such trade-in.", "Appraise the vehicle first."),
    _refused(
        "trade_in_closed",
        "The old vehicle was received, or the trade-in was declined.",
        "Appraise the vehicle anew, as another trade-in.",
    ),
    _refused(
        "trade_in_not_agreed",
        "A vehicle is received when its trade-in was agreed on.",
        "Agree on it first.",
    ),
    _refused(
        "appraisal_expired",
        "The appraisal held until `valid_until`, and that is over.",
        "Appraise the vehicle anew, as another trade-in.",
    ),
    _refused("appraisal_in_the_past", "The appraisal would never hold.", "Name a `valid_until` in the future."),
    _refused(
        "odometer_backwards",
        "The odometer shows less than at the appraisal.",
        "Read it again; if it is right, appraise the vehicle anew.",
    ),
    _refused("accessory_sale_exists", "The sale is there already, of other items.", "Read it."),
    _refused("accessory_sale_unknown", "There is no such sale.", "Sell the accessories first."),
    _refused(
        "commission_account_unknown",
        "There is no such account: nothing was ever earned on it.",
        "Wait for the first delivery.",
    ),
    _refused("commission_entry_exists", "The entry is there already, with another amount.", "Read the statement."),
    _refused("commission_entry_unknown", "There is no such entry to take back.", "Read the statement."),
    _refused("period_not_over", "The month is not over yet.", "Settle it when it is."),
)
