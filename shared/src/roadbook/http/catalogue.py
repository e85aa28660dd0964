"""The kit's own problem types, and how a route says which it answers."""

from collections.abc import Callable, Sequence
from typing import Any

from roadbook.http.problems import MEDIA_TYPE, ProblemType, register

_SAME_KEY = "Send the same request again with the same Idempotency-Key after the seconds in Retry-After."

KIT_PROBLEMS = (
    ProblemType(
        "malformed_request",
        400,
        "Malformed request",
        "The request cannot be read: its path, a header or the body is not well formed.",
        "Compare the request with the OpenAPI document. Bodies are UTF-8 JSON without a byte order mark.",
        False,
    ),
    ProblemType(
        "malformed_json",
        400,
        "Malformed JSON",
        "The body is not JSON as RFC 8259 and this service want it: UTF-8 without byte order mark, no NaN or Infinity, "
        "no key twice in one object, at most 32 levels, no lone surrogates, no NUL, no number with very many digits.",
        "Write the body with a JSON library, not by hand.",
        False,
    ),
    ProblemType(
        "invalid_request",
        422,
        "Invalid request",
        "The request is well formed, but fields are missing, unknown or outside their bounds. `errors` names each "
        "by a JSON Pointer into the body. For an unknown field it names the object that holds it.",
        "Correct the fields in `errors`. Unknown fields are refused, never ignored.",
        False,
    ),
    ProblemType(
        "content_too_large",
        413,
        "Content too large",
        "The body is longer than this route accepts (256 KiB unless its description says more).",
        "Send less at once: split an import into several requests.",
        False,
    ),
    ProblemType(
        "value_too_large",
        413,
        "Value too large",
        "What would be stored is too large to be published: an event over 256 KiB, or a personal value over 512 KiB.",
        "Say less at once.",
        False,
    ),
    ProblemType(
        "unsupported_media_type",
        415,
        "Unsupported media type",
        "The Content-Type is missing or not the one this route reads.",
        "Send `Content-Type: application/json`, or the type in the OpenAPI document.",
        False,
    ),
    ProblemType(
        "not_acceptable",
        406,
        "Not acceptable",
        "None of the types in Accept can be produced.",
        "Accept `application/json` and `application/problem+json`.",
        False,
    ),
    ProblemType(
        "request_timeout",
        408,
        "Request timeout",
        "The request did not arrive in time: 10 seconds for its headers, 30 seconds for its body.",
        "Send it again on a better connection.",
        True,
    ),
    ProblemType(
        "headers_too_large",
        431,
        "Headers too large",
        "The request line and headers are longer than 16 KiB, or more than 100.",
        "Send fewer or shorter headers.",
        False,
    ),
    ProblemType(
        "authentication_required",
        401,
        "Authentication required",
        "The request carries no access token.",
        "Send `Authorization: Bearer <access token>` from the configured issuer.",
        False,
    ),
    ProblemType(
        "invalid_token",
        401,
        "Invalid token",
        "The access token is not valid here: signature, type, issuer, audience or time do not fit.",
        "Fetch a new access token (`typ: at+jwt`, ES256) for this audience.",
        False,
    ),
    ProblemType(
        "forbidden",
        403,
        "Forbidden",
        "The token is valid, but it has not the scope this route needs, or names neither a dealer nor the network.",
        "Ask the administrator of the issuer for the scope in the WWW-Authenticate header.",
        False,
    ),
    ProblemType(
        "not_found",
        404,
        "Not found",
        "There is nothing here that you may see. A thing of another dealer answers exactly like one that never was.",
        "Check the path and the dealer of the token.",
        False,
    ),
    ProblemType(
        "method_not_allowed",
        405,
        "Method not allowed",
        "The path exists, but not with this method.",
        "Use a method of the Allow header.",
        False,
    ),
    ProblemType(
        "conflict",
        409,
        "Conflict",
        "Others changed the same stream at the same time, several times in a row. Nothing was done.",
        "Send the request again.",
        True,
    ),
    ProblemType(
        "precondition_failed",
        412,
        "Precondition failed",
        "The version in If-Match is not the current one. Nothing was done.",
        "Read the thing again, look at what changed, and send the command with the new ETag.",
        False,
    ),
    ProblemType(
        "idempotency_key_missing",
        400,
        "Idempotency-Key missing",
        "This route creates something, so that a repeated request must be recognised.",
        'Send `Idempotency-Key: "<a new UUID>"`, and the same key when you repeat the request.',
        False,
    ),
    ProblemType(
        "idempotency_key_invalid",
        400,
        "Idempotency-Key invalid",
        "The header is not one string of 1 to 255 visible ASCII characters.",
        'Send one structured-field string, for example `Idempotency-Key: "8e03978e-40d5-43dd-bc93-6894a57f9324"`.',
        False,
    ),
    ProblemType(
        "idempotency_key_reused",
        422,
        "Idempotency-Key reused",
        "The key was used before with another body on the same path.",
        "Use a new key for a new request; repeat a request byte for byte.",
        False,
    ),
    ProblemType(
        "idempotency_in_flight",
        409,
        "Still in flight",
        "A request with this key is being worked on.",
        _SAME_KEY,
        True,
    ),
    ProblemType(
        "cursor_invalid",
        400,
        "Cursor invalid",
        "The cursor was not made by this service for this query and this dealer.",
        "Start again without a cursor; change nothing else of the query between pages.",
        False,
    ),
    ProblemType(
        "unavailable",
        503,
        "Unavailable",
        "Something this request needs cannot be reached or is full. Nothing was done.",
        "Send the request again after the seconds in Retry-After.",
        True,
    ),
    ProblemType(
        "overloaded",
        503,
        "Overloaded",
        "More requests are being worked on than this process admits. Nothing was done.",
        "Send the request again after the seconds in Retry-After.",
        True,
    ),
    ProblemType(
        "outcome_unknown",
        503,
        "Outcome unknown",
        "The request may or may not have been carried out: the answer of the store did not come in time.",
        _SAME_KEY + " It is carried out at most once.",
        True,
    ),
    ProblemType(
        "internal_error",
        500,
        "Internal error",
        "The service failed in a way nobody foresaw. The trace_id finds the case in its logs.",
        "Repeat once with the same Idempotency-Key; if it fails again, report the trace_id.",
    ),
)

register(*KIT_PROBLEMS)


def answering(own: Sequence[ProblemType]) -> Callable[..., dict[int | str, Any]]:
    """`answered(Model, "Done", "lead_closed", status=201)` of a service with these problem types: what a route answers,
    for its OpenAPI entry; its problems beyond those that every route of its kind has."""
    kinds = {kind.code: kind for kind in (*KIT_PROBLEMS, *own)}

    def answered(model: type, description: str, *codes: str, status: int = 200) -> dict[int | str, Any]:
        unknown = [code for code in codes if code not in kinds]
        if unknown:
            raise ValueError(f"no ProblemType for {', '.join(unknown)}: add it to PROBLEMS")
        responses: dict[int | str, Any] = {status: {"model": model, "description": description}}
        for code in codes:
            kind = kinds[code]
            value = {"type": f"/problems/{code}", "title": kind.title, "status": kind.status, "code": code}
            response = responses.setdefault(
                kind.status, {"description": kind.title, "content": {MEDIA_TYPE: {"examples": {}}}}
            )
            response["content"][MEDIA_TYPE]["examples"][code] = {"summary": kind.title, "value": value}
        return responses

    return answered
