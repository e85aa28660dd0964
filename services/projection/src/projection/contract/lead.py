"""The lead service's events as this service reads them: those that belong to a party."""

from projection.domain.streams import lead, test_drive
from roadbook.codec import Codec, EventType

LEAD: Codec[lead.Event | test_drive.Event] = Codec(
    "lead",
    (
        EventType(lead.LeadCaptured, "lead_captured"),
        EventType(lead.LeadEnriched, "lead_enriched"),
        EventType(lead.LeadQualified, "lead_qualified"),
        EventType(lead.FollowUpScheduled, "follow_up_scheduled"),
        EventType(lead.FollowUpMissed, "follow_up_missed"),
        EventType(lead.FollowUpCompleted, "follow_up_completed"),
        EventType(lead.LeadRouted, "lead_routed"),
        EventType(lead.LeadAccepted, "lead_accepted"),
        EventType(lead.LeadDeclined, "lead_declined"),
        EventType(lead.LeadStatusReported, "lead_status_reported"),
        EventType(lead.LeadFeedbackOverdue, "lead_feedback_overdue"),
        EventType(lead.LeadProtected, "lead_protected"),
        EventType(lead.LeadProtectionExpired, "lead_protection_expired"),
        EventType(lead.LeadReleasedToPool, "lead_released_to_pool"),
        EventType(lead.LeadReassigned, "lead_reassigned"),
        EventType(lead.CustomerShared, "customer_shared"),
        EventType(lead.ShareRevoked, "share_revoked"),
        EventType(lead.OnlineExperienceRecorded, "online_experience_recorded"),
        EventType(lead.ShowroomVisitRecorded, "showroom_visit_recorded"),
        EventType(lead.LeadScored, "lead_scored"),
        EventType(lead.LeadLost, "lead_lost"),
        EventType(lead.LeadReopened, "lead_reopened"),
        EventType(lead.LeadConverted, "lead_converted"),
        EventType(lead.LeadOutcomeRecorded, "lead_outcome_recorded"),
        EventType(lead.LeadRecycled, "lead_recycled"),
        EventType(lead.LeadRestored, "lead_restored"),
        EventType(test_drive.TestDriveBooked, "test_drive_booked"),
        EventType(test_drive.TestDriveRescheduled, "test_drive_rescheduled"),
        EventType(test_drive.TestDriveCancelled, "test_drive_cancelled"),
        EventType(test_drive.TestDriveTaken, "test_drive_taken"),
        EventType(test_drive.TestDriveMissed, "test_drive_missed"),
    ),
)
