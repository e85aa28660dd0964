"""Consent as the shell sees it. Its events say nothing of a holder: that is the party reference's."""

from dataclasses import replace

from identity.contract.consent import codec
from identity.domain.consent import Command, Event, State, decider
from roadbook.commands import Aggregate
from roadbook.events import Labels


def _labels(state: State) -> Labels:
    return Labels(None, state.party_ref)


def _key(state: State) -> str:
    return state.party_ref or ""


aggregate: Aggregate[Command, State, Event] = Aggregate("consent", decider, codec, _labels, _key)


def held_by(dealer: str | None) -> Aggregate[Command, State, Event]:
    """For a command on the consents of a reference that `dealer` holds."""
    return replace(aggregate, labels=lambda state: Labels(dealer, state.party_ref))
