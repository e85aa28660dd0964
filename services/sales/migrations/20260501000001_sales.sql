-- Opportunities, quotes, contracts, orders and vehicles, as they stand now.

-- migrate:up

CREATE TABLE opportunities (
    opportunity uuid PRIMARY KEY,
    party_ref   text NOT NULL,
    dealer      text NOT NULL,
    lead        text,                         -- the stream of the lead it came from
    source      text NOT NULL,
    models      text[] NOT NULL,
    staff       text,
    owner_kind  text NOT NULL,
    tender      text,
    state       text NOT NULL,
    reason      text,
    opened_at   timestamptz NOT NULL,
    closed_at   timestamptz,
    version     int NOT NULL
);
-- Lists run newest first by (opened_at, opportunity), which never change: a page stays right under writes.
CREATE INDEX opportunities_by_dealer ON opportunities (dealer, opened_at DESC, opportunity DESC);
CREATE INDEX opportunities_by_dealer_state ON opportunities (dealer, state, opened_at DESC, opportunity DESC);
CREATE INDEX opportunities_by_staff ON opportunities (staff, opened_at DESC, opportunity DESC);
CREATE INDEX opportunities_by_time ON opportunities (opened_at DESC, opportunity DESC);
CREATE INDEX opportunities_by_party ON opportunities (party_ref);

GRANT SELECT, INSERT, UPDATE, DELETE ON opportunities TO roadbook_app;

-- migrate:down

DROP TABLE opportunities;
