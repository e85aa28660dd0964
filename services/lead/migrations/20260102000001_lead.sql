-- Lead's own tables. Everything here but `leads` may hold personal data and has a time to live.

-- migrate:up

-- ── The read table behind lists; written in the append's transaction ──────────────────────────────────────────
CREATE TABLE leads (
    lead_id              uuid PRIMARY KEY,
    party_ref            text NOT NULL,
    dealer               text,                -- NULL: headquarters has not given it to a dealer yet
    state                text NOT NULL,
    grade                text,
    source               text NOT NULL,
    models               text[] NOT NULL,     -- catalogue codes
    next_action_kind     text,
    next_action_due      timestamptz,
    next_action_assignee text,
    overdue              boolean NOT NULL,
    captured_at          timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    version              int NOT NULL
);
-- Lists run newest first by (captured_at, lead_id), which never change: a page stays right under writes.
CREATE INDEX leads_by_dealer ON leads (dealer, captured_at DESC, lead_id DESC);
CREATE INDEX leads_by_dealer_state ON leads (dealer, state, captured_at DESC, lead_id DESC);
CREATE INDEX leads_by_dealer_state_grade ON leads (dealer, state, grade, captured_at DESC, lead_id DESC);
CREATE INDEX leads_by_time ON leads (captured_at DESC, lead_id DESC);
CREATE INDEX leads_by_party ON leads (party_ref);

-- ── ADF intake ────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE adf_documents (
    document   uuid PRIMARY KEY,              -- made from dealer and digest: the same bytes are kept once
    dealer     text,
    digest     text NOT NULL,                 -- SHA-256, hex
    media_type text NOT NULL,
    content    bytea NOT NULL,
    remainder  json NOT NULL,                 -- text outside the prospects: [[path, text], …]
    received   timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX adf_documents_expiry ON adf_documents (expires_at);

CREATE TABLE adf_quarantine (
    id         uuid PRIMARY KEY,              -- made from document and place: the same prospect waits once
    dealer     text,
    document   uuid NOT NULL,
    place      int NOT NULL,                  -- of the prospect in the document, from 1
    reasons    text[] NOT NULL,
    fragment   text,                          -- NULL: the prospect at `place` of the kept document
    state      text NOT NULL CHECK (state IN ('open', 'replayed', 'discarded')),
    received   timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX adf_quarantine_by_dealer ON adf_quarantine (dealer, state, received DESC, id DESC);
CREATE INDEX adf_quarantine_by_time ON adf_quarantine (state, received DESC, id DESC);
CREATE INDEX adf_quarantine_expiry ON adf_quarantine (expires_at);

GRANT SELECT, INSERT, UPDATE ON leads TO roadbook_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON adf_documents, adf_quarantine TO roadbook_app;

-- migrate:down

DROP TABLE adf_quarantine, adf_documents, leads;
