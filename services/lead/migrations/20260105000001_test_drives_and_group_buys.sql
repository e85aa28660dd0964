-- Test drives, which car is taken when, and group buys; all written in the append's transaction. No personal data.

-- migrate:up

-- ── Test drives ───────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE test_drives (
    test_drive uuid PRIMARY KEY,
    lead       uuid NOT NULL,
    party_ref  text NOT NULL,
    dealer     text NOT NULL,
    vin        text NOT NULL,
    model      text NOT NULL,
    staff      text,
    state      text NOT NULL CHECK (state IN ('booked', 'taken', 'missed', 'cancelled')),
    starts     timestamptz NOT NULL,
    ends       timestamptz NOT NULL,
    booked_at  timestamptz NOT NULL,
    version    int NOT NULL
);
-- Lists run newest first by (booked_at, test_drive), which never change: a page stays right under writes.
CREATE INDEX test_drives_by_dealer ON test_drives (dealer, booked_at DESC, test_drive DESC);
CREATE INDEX test_drives_by_time ON test_drives (booked_at DESC, test_drive DESC);
CREATE INDEX test_drives_by_dealer_day ON test_drives (dealer, starts);
CREATE INDEX test_drives_by_car ON test_drives (vin, starts);
CREATE INDEX test_drives_by_lead ON test_drives (lead);

-- A car cannot be booked twice: one row for each five minutes of a drive that stands (booked or taken).
CREATE TABLE test_drive_slots (
    vin        text NOT NULL,
    slot       timestamptz NOT NULL,          -- its start
    test_drive uuid NOT NULL,
    PRIMARY KEY (vin, slot)
);
CREATE INDEX test_drive_slots_by_drive ON test_drive_slots (test_drive);

-- ── Group buys ────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE group_buys (
    group_buy  uuid PRIMARY KEY,
    dealer     text,                          -- NULL: headquarters', for the whole network
    model      text NOT NULL,
    currency   text NOT NULL,
    price      bigint NOT NULL,               -- minor units
    places     int NOT NULL,
    threshold  int NOT NULL,
    closes_at  timestamptz NOT NULL,
    opened_at  timestamptz NOT NULL,
    outcome    text,                          -- NULL: not closed yet
    closed_at  timestamptz,
    reached_at timestamptz,
    members    int NOT NULL CHECK (members BETWEEN 0 AND places),
    version    int NOT NULL
);
CREATE INDEX group_buys_by_dealer ON group_buys (dealer, opened_at DESC, group_buy DESC);
CREATE INDEX group_buys_by_time ON group_buys (opened_at DESC, group_buy DESC);

CREATE TABLE group_buy_members (
    group_buy   uuid NOT NULL,
    party_ref   text NOT NULL,
    lead        uuid NOT NULL,
    joined_at   timestamptz NOT NULL,
    event       uuid NOT NULL,                -- of joining: what the lead is told by it
    correlation text NOT NULL,
    PRIMARY KEY (group_buy, party_ref)
);
CREATE INDEX group_buy_members_in_order ON group_buy_members (group_buy, joined_at, lead);

GRANT SELECT, INSERT, UPDATE ON test_drives, group_buys TO roadbook_app;
GRANT SELECT, INSERT, DELETE ON test_drive_slots, group_buy_members TO roadbook_app;

-- migrate:down

DROP TABLE group_buy_members, group_buys, test_drive_slots, test_drives;
