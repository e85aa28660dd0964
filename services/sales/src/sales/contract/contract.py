"""The contract stream's public events."""

from roadbook.codec import Codec, EventType
from sales.domain.contract import (
    ContractAmended,
    ContractCancelled,
    ContractSigned,
    DepositReceived,
    DepositRefunded,
    Event,
    FinanceApplied,
    FinanceApproved,
    FinanceDeclined,
)

codec: Codec[Event] = Codec(
    "sales",
    (
        EventType(ContractSigned, "contract_signed"),
        EventType(ContractAmended, "contract_amended"),
        EventType(ContractCancelled, "contract_cancelled"),
        EventType(DepositReceived, "deposit_received"),
        EventType(DepositRefunded, "deposit_refunded"),
        EventType(FinanceApplied, "finance_applied"),
        EventType(FinanceApproved, "finance_approved"),
        EventType(FinanceDeclined, "finance_declined"),
    ),
)
