"""The sections of the record: trees whose ends are leaves."""

from projection.domain.sections.due import next_change, overdue
from projection.domain.sections.intent import intent, profile
from projection.domain.sections.journey import journey
from projection.domain.sections.responsibility import responsibility

__all__ = ["intent", "journey", "next_change", "overdue", "profile", "responsibility"]
