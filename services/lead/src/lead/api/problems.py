"""What the lead service refuses, beyond what every service refuses."""

from typing import Any

from roadbook.http.problems import MEDIA_TYPE, ProblemType

PROBLEMS = (
    ProblemType(
        "lead_exists",
        409,
        "Lead exists",
        "The lead is there already, for another party reference.",
        "Read it, and enrich it if there is something new to say.",
        False,
    ),
    ProblemType(
        "lead_unknown",
        409,
        "Lead unknown",
        "There is no such lead to work on.",
        "Capture it first.",
        False,
    ),
    ProblemType(
        "lead_closed",
        409,
        "Lead closed",
        "The lead is lost: it takes no more news, grades or follow-ups.",
        "Reopen it first, with a reason.",
        False,
    ),
    ProblemType(
        "follow_up_in_the_past",
        409,
        "Follow-up in the past",
        "The next action would be due before now. Every open lead has a next action that can still be done.",
        "Name a due time in the future.",
        False,
    ),
    ProblemType(
        "party_ref_unknown",
        404,
        "Party reference unknown",
        "You hold no lead of this party reference. One of another dealer answers exactly like one that never was.",
        "Leave `party_ref` out: a new one is made, and whoever is the same person is found later.",
        False,
    ),
    ProblemType(
        "adf_refused",
        400,
        "ADF document refused",
        "The document is refused whole: it declares a document type or entities, is empty, or goes beyond a limit "
        "(100 prospects, 10,000 elements, 32 levels). `reason` says which.",
        "Send ADF 1.0 without a DOCTYPE, in smaller documents.",
        False,
    ),
    ProblemType(
        "adf_still_unreadable",
        409,
        "Still unreadable",
        "The prospect could not be read this time either; it stays in the quarantine. `reasons` says why.",
        "Send a corrected document as the body of the replay, or discard the entry.",
        False,
    ),
    ProblemType(
        "quarantine_closed",
        409,
        "Quarantine entry closed",
        "The entry was replayed or discarded before.",
        "Send the document again if there is something new in it.",
        False,
    ),
)


def may_answer(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The problems of a route for its OpenAPI entry, beyond those that every route of its kind has."""
    responses: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        kind = next(kind for kind in PROBLEMS if kind.code == code)
        value = {"type": f"/problems/{code}", "title": kind.title, "status": kind.status, "code": code}
        response = responses.setdefault(
            kind.status, {"description": kind.title, "content": {MEDIA_TYPE: {"examples": {}}}}
        )
        response["content"][MEDIA_TYPE]["examples"][code] = {"summary": kind.title, "value": value}
    return responses
