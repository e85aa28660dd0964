"""What the projection service refuses, beyond what every service refuses."""

from roadbook.http.problems import ProblemType

PROBLEMS = (
    ProblemType(
        "not_yet_visible",
        503,
        "Not yet visible",
        "What `min` stands for has not reached the record within two seconds.",
        "Send the request again after the seconds in Retry-After.",
        True,
    ),
    ProblemType(
        "position_invalid",
        400,
        "Position invalid",
        "`min` is not a position that a command has answered.",
        "Send the `position` of a command's answer as it is, or leave `min` out.",
        False,
    ),
    ProblemType(
        "path_unknown",
        404,
        "Path unknown",
        "The record has nothing at `path`, or `path` is no JSON Pointer.",
        "Read the record and name a value in it: `/head/stage`, `/purchases/0/price`.",
        False,
    ),
)
