"""The faults by their number in RELIABILITY §3: what each does, on what, and how long its turn takes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from run.context import Bite, Context
from run.faults import crash, forged, kafka, network, postgres, requests, twins
from run.stand import WRITERS


@dataclass(frozen=True)
class Fault:
    """`seconds`: how long it lasts at scale 1 (a run of eight minutes), `most`: at any scale; `turn`: what its turn
    takes beside that (restarts, recovery), in seconds."""

    code: str
    what: str
    act: Callable[[Context], Awaitable[Bite]]
    seconds: float = 0.0
    most: float = 60.0
    turn: float = 10.0

    @property
    def away(self) -> bool:
        """Whether it takes away what everybody stands on: Kafka, Postgres, the network."""
        return self.act.__module__ in (kafka.__name__, network.__name__, postgres.__name__)


_C = crash.killed_at
FAULTS: dict[str, Fault] = {
    fault.code: fault
    for fault in (
        Fault("F1", "command service killed before COMMIT", _C("cmd.before_commit", WRITERS, 15, "unknown")),
        Fault(
            "F2",
            "command service killed after COMMIT, before its answer",
            _C("cmd.after_commit", WRITERS, 15, "replay"),
        ),
        Fault("F3", "50 requests with one key at once, and a kill", crash.one_key),
        Fault("F4", "relay killed after it read", _C("relay.after_read", WRITERS, 5)),
        Fault("F5", "relay killed after it sent", _C("relay.after_send", WRITERS, 5)),
        Fault("F6", "relay killed after the acknowledgement", _C("relay.after_ack", WRITERS, 5, "repeats")),
        Fault("F7", "relay killed after its cursor moved", _C("relay.after_mark", WRITERS, 5)),
        Fault("F8", "reaction killed in its transaction", _C("react.in_tx", ("identity", "sales"), 5)),
        Fault("F9", "reaction killed after COMMIT", _C("react.after_commit", ("identity", "sales"), 5)),
        Fault("F10", "projector killed in or after its transaction", crash.projector),
        Fault("F12", "composer killed among merges", crash.merging),
        Fault("F13", "broker killed, started again", kafka.killed, 8, 60),
        Fault("F14", "broker frozen", kafka.frozen, 10, 45),
        Fault("F16", "backends of Postgres ended, one killed", postgres.backends),
        Fault("F17", "Postgres stopped at once and started, several times", postgres.stopped, 6, 30),
        Fault("F18", "Postgres frozen", postgres.frozen, 8, 30),
        Fault("F19", "connections cut after COMMIT was sent", network.cut_at_commit, 6, 30, 6),
        Fault("F20", "all connections reset every 1 to 5 s", network.resets, 15, 60, 6),
        Fault("F21", "half-open lines: nothing passes, nothing is closed", network.silence, 8, 30, 8),
        Fault("F26", "a tenth of the log sent again", forged.again, 0, 60, 6),
        Fault("F27", "one service's facts held back while the others' go on", network.held_back, 6, 20, 6),
        Fault("F28", "versions of a stream out of order", forged.out_of_order, 0, 60, 6),
        Fault("F29", "an event that cannot be folded", forged.poison, 0, 60, 8),
        Fault("F30", "an unknown type, and a newer version", forged.unheard_of, 0, 60, 8),
        Fault("F31", "messages that are no events", forged.unreadable, 0, 60, 8),
        Fault("F33", "two relays, two sequencers", twins.relays, 10, 40, 10),
        Fault("F34", "a relay frozen while another takes over", twins.frozen_relay, 14, 30, 12),
        Fault("F35", "two projectors", twins.projectors, 12, 60, 10),
        Fault("F37", "huge payloads", requests.huge, 0, 60, 4),
        Fault("F38", "malformed requests", requests.malformed, 0, 60, 4),
        Fault("F39", "a rush on one aggregate", requests.rush, 0, 60, 8),
        Fault("F40", "one key for several things", requests.same_key, 0, 60, 4),
        Fault("F41", "another dealer's token", requests.foreign, 0, 60, 4),
    )
}
