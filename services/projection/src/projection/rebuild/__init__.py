"""The projection built again beside the live one, from the beginning of the topics, and put in its place (ADR 0033).

A generation is a schema. While one is built its tables are in `generation_<n>`, filled by the same handlers and the
same composer over connections that look there first; then the schemas of the tables are exchanged in one transaction.
"""

from projection.rebuild.command import command
from projection.rebuild.running import Busy, Rebuild, Result, Source

__all__ = ["Busy", "Rebuild", "Result", "Source", "command"]
