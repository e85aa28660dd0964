"""The test drive stream's public events."""

from lead.domain.test_drive import (
    Event,
    TestDriveBooked,
    TestDriveCancelled,
    TestDriveMissed,
    TestDriveRescheduled,
    TestDriveTaken,
)
from roadbook.codec import Codec, EventType

codec: Codec[Event] = Codec(
    "lead",
    (
        EventType(TestDriveBooked, "test_drive_booked"),
        EventType(TestDriveRescheduled, "test_drive_rescheduled"),
        EventType(TestDriveCancelled, "test_drive_cancelled"),
        EventType(TestDriveTaken, "test_drive_taken"),
        EventType(TestDriveMissed, "test_drive_missed"),
    ),
)
