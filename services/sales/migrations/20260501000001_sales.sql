-- Opportunities, as they stand now and when each of them was open.

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

-- When it was open: what a pipeline as of a past day is made of.
CREATE TABLE opportunity_spans (
    opportunity uuid NOT NULL,
    since       timestamptz NOT NULL,
    until       timestamptz,
    outcome     text,
    PRIMARY KEY (opportunity, since)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON opportunities, opportunity_spans TO roadbook_app;

-- migrate:down

DROP TABLE opportunity_spans, opportunities;
