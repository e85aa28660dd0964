"""What a party agreed to: one word per purpose, channel and brand, and the latest word counts.

Words come from several streams of several services, in any order: what is older than the last word of its cell changes
nothing, and of two words of one moment the refusal counts. So the outcome is the same in whatever order they came.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from roadbook.decider import Decider, Rejected

Reason = Literal["refused", "withdrawn"]
Cell = tuple[str, str, str | None]
"""(purpose, channel, brand); brand None: of every brand."""


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class GrantConsent:
    """`wording`: the version of the text that was agreed to; `proof`: the event that holds the word, if another
    service heard it."""

    party_ref: str
    purpose: str
    channel: str
    brand: str | None
    wording: str
    source: str
    proof: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class WithdrawConsent:
    """`refused`: asked, and said no; `withdrawn`: taken back. Taking back what was never given is recorded too."""

    party_ref: str
    purpose: str
    channel: str
    brand: str | None
    wording: str | None
    reason: Reason
    source: str
    proof: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class RestrictProcessing:
    party_ref: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LiftRestriction:
    party_ref: str
    reason: str
    at: datetime


Command = GrantConsent | WithdrawConsent | RestrictProcessing | LiftRestriction


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class ConsentGranted:
    party_ref: str
    purpose: str
    channel: str
    brand: str | None
    wording: str
    source: str
    proof: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ConsentWithdrawn:
    party_ref: str
    purpose: str
    channel: str
    brand: str | None
    wording: str | None
    reason: Reason
    source: str
    proof: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ProcessingRestricted:
    party_ref: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RestrictionLifted:
    party_ref: str
    reason: str
    at: datetime


Event = ConsentGranted | ConsentWithdrawn | ProcessingRestricted | RestrictionLifted


# ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Word:
    granted: bool
    wording: str | None
    reason: Reason | None
    source: str
    proof: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Consents:
    """`restricted`: why and since when nothing may be done with the party's data; None: nothing of the kind."""

    party_ref: str | None = None
    words: Mapping[Cell, Word] = field(default_factory=dict)
    restricted: tuple[str, datetime] | None = None


State = Consents


# ── Deciding ──────────────────────────────────────────────────────────────────────────────────────────────────
def decide(command: Command, state: State) -> list[Event]:
    match command:
        case GrantConsent():
            return _grant(command, state.words.get((command.purpose, command.channel, command.brand)))
        case WithdrawConsent():
            return _withdraw(command, state.words.get((command.purpose, command.channel, command.brand)))
        case RestrictProcessing(party_ref=ref, reason=reason, at=at):
            return [] if state.restricted else [ProcessingRestricted(ref, reason, at)]
        case LiftRestriction(party_ref=ref, reason=reason, at=at):
            if state.party_ref is None:
                raise Rejected("not_restricted")
            return [RestrictionLifted(ref, reason, at)] if state.restricted else []


def _grant(command: GrantConsent, last: Word | None) -> list[Event]:
    if last is not None:
        if command.at < last.at or (command.at == last.at and not last.granted):
            return []
        same = last.granted and last.wording == command.wording
        # Said again at another service is a new proof; said again here is the same word.
        if same and (command.proof is None or command.at == last.at):
            return []
        if command.at == last.at and last.granted and (last.wording or "") > command.wording:
            return []
    return [
        ConsentGranted(
            command.party_ref, command.purpose, command.channel, command.brand, command.wording, command.source,
            command.proof, command.at,
        )
    ]  # fmt: skip


def _withdraw(command: WithdrawConsent, last: Word | None) -> list[Event]:
    if last is not None:
        if command.at < last.at:
            return []
        if not last.granted and (command.proof is None or command.at == last.at):
            return []
    return [
        ConsentWithdrawn(
            command.party_ref, command.purpose, command.channel, command.brand, command.wording, command.reason,
            command.source, command.proof, command.at,
        )
    ]  # fmt: skip


# ── Evolving ──────────────────────────────────────────────────────────────────────────────────────────────────
def evolve(state: State, event: Event) -> State:
    known = replace(state, party_ref=event.party_ref)
    match event:
        case ConsentGranted(wording=wording, source=source, proof=proof, at=at):
            word = Word(True, wording, None, source, proof, at)
        case ConsentWithdrawn(wording=wording, reason=reason, source=source, proof=proof, at=at):
            word = Word(False, wording, reason, source, proof, at)
        case ProcessingRestricted(reason=reason, at=at):
            return replace(known, restricted=(reason, at))
        case RestrictionLifted():
            return replace(known, restricted=None)
    return replace(known, words={**state.words, (event.purpose, event.channel, event.brand): word})


decider: Decider[Command, State, Event] = Decider(Consents(), decide, evolve)
