"""The test drive as the shell sees it."""

from collections.abc import Sequence

from lead.contract.test_drive import codec
from lead.domain.test_drive import Command, Event, State, TestDrive, decider
from roadbook.commands import Aggregate
from roadbook.events import Labels
from roadbook.store.port import TimerWanted

MISSED = "missed"
TELL_LEAD = "tell_lead"


def _labels(drive: State) -> Labels:
    return Labels(drive.dealer, drive.party_ref, drive.vin) if isinstance(drive, TestDrive) else Labels()


def _key(drive: State) -> str:
    return drive.party_ref if isinstance(drive, TestDrive) else ""


def _timers(drive: State) -> Sequence[TimerWanted]:
    """A drive that was taken is told to its lead by a timer due at once: the row survives whatever ends the process."""
    missed = drive.report_by if isinstance(drive, TestDrive) and drive.status == "booked" else None
    taken = drive.closed_at if isinstance(drive, TestDrive) and drive.status == "taken" else None
    return (TimerWanted(MISSED, missed), TimerWanted(TELL_LEAD, taken))


aggregate: Aggregate[Command, State, Event] = Aggregate("testdrive", decider, codec, _labels, _key, _timers)
