"""The party reference as the shell sees it: its own key and party, labelled with whoever holds it."""

from identity.contract.party_ref import codec
from identity.domain.party_ref import Command, Event, PartyRef, State, decider
from roadbook.commands import Aggregate
from roadbook.events import Labels


def _labels(ref: State) -> Labels:
    return Labels(ref.dealer, ref.party_ref) if isinstance(ref, PartyRef) else Labels()


def _key(ref: State) -> str:
    return ref.party_ref if isinstance(ref, PartyRef) else ""


aggregate: Aggregate[Command, State, Event] = Aggregate("partyref", decider, codec, _labels, _key)
