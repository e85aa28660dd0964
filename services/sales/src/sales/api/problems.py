"""What the sales service refuses, beyond what every service refuses."""

from roadbook.http.problems import ProblemType
from sales.api.closing_problems import CLOSING
from sales.api.sale_problems import SALE


def refused(code: str, explanation: str, what_to_do: str, status: int = 409) -> ProblemType:
    return ProblemType(code, status, code.replace("_", " ").capitalize(), explanation, what_to_do, False)


OPPORTUNITY = (
    refused("opportunity_exists", "The opportunity is there already, of another party.", "Read it."),
    refused("opportunity_unknown", "There is no such opportunity.", "Open it first."),
    refused("opportunity_closed", "The opportunity was won or lost.", "Reopen a lost one, or open another one."),
    refused(
        "tender_without_institution",
        "A tender is of a government institution or an enterprise, not of a private person.",
        "Say `owner_kind`, or leave `tender` out.",
    ),
    refused(
        "model_not_eligible",
        "At least one of the models may not be offered in a tender.",
        "Offer eligible models: the catalogue says which they are.",
    ),
    refused(
        "party_unknown",
        "You never had to do with this party reference. One of another dealer answers like one that never was.",
        "Leave `party_ref` out: a new one is made, and whoever is the same person is found later.",
        404,
    ),
    refused("not_possible", "It cannot do this in the state it is in.", "Read it."),
)

PROBLEMS = (*OPPORTUNITY, *SALE, *CLOSING)
