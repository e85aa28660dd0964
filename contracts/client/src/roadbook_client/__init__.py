"""Roadbook for Python. See `Roadbook`; the operations are methods of `Roadbook.lead`,
`Roadbook.projection` and `Roadbook.identity`."""

from roadbook_client.paging import Listing
from roadbook_client.problems import FieldError, Problem, RoadbookError, Unreachable
from roadbook_client.roadbook import Roadbook
from roadbook_client.session import Reply

__all__ = ["FieldError", "Listing", "Problem", "Reply", "Roadbook", "RoadbookError", "Unreachable"]
