-- Party references, who holds them, links between them, and what matching works on.

-- migrate:up

-- ── Party references ──────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE party_refs (
    party_ref     text PRIMARY KEY,
    kind          text NOT NULL,
    dealer        text,                        -- who holds it; NULL: headquarters
    source        text NOT NULL,
    registered_at timestamptz NOT NULL,
    version       int NOT NULL
);
-- Lists run newest first by (registered_at, party_ref), which never change: a page stays right under writes.
CREATE INDEX party_refs_by_dealer ON party_refs (dealer, registered_at DESC, party_ref DESC);
CREATE INDEX party_refs_by_time ON party_refs (registered_at DESC, party_ref DESC);

-- Who holds each stream of another service that carries the reference, and since when. The holder of the reference is
-- that of the stream that changed hands last, in whatever order we heard of them.
CREATE TABLE holdings (
    party_ref text NOT NULL,
    stream    text NOT NULL,
    dealer    text,
    since     timestamptz NOT NULL,
    version   int NOT NULL,                    -- of the stream, as of the last word
    PRIMARY KEY (party_ref, stream)
);

-- Contact points whose value another service keeps. `gone`: corrected or retired here, so that value counts no more.
CREATE TABLE adopted (
    party_ref text NOT NULL,
    key       text NOT NULL,
    origin    text NOT NULL,
    gone      bool NOT NULL DEFAULT false,
    PRIMARY KEY (party_ref, key)
);

-- ── Links ─────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE pairs (
    smaller     text NOT NULL,
    larger      text NOT NULL,
    status      text NOT NULL CHECK (status IN ('proposed', 'linked', 'distinct')),
    apart       bool NOT NULL,                 -- a cannot-link
    score       int,
    evidence    json NOT NULL,                 -- rules and fields, no values
    matcher     text NOT NULL,
    by          text,
    reason      text,
    proposed_at timestamptz,
    at          timestamptz NOT NULL,          -- of the last decision
    version     int NOT NULL,
    PRIMARY KEY (smaller, larger),
    CHECK (smaller < larger COLLATE "C")
);
CREATE INDEX pairs_linked ON pairs (smaller, larger) WHERE status = 'linked';
CREATE INDEX pairs_linked_larger ON pairs (larger, smaller) WHERE status = 'linked';
CREATE INDEX pairs_apart ON pairs (smaller, larger) WHERE apart;
CREATE INDEX pairs_apart_larger ON pairs (larger, smaller) WHERE apart;
CREATE INDEX pairs_proposed ON pairs ((- score), smaller, larger) WHERE status = 'proposed';

-- Who decides about links holds this row: decisions come one after another.
CREATE TABLE link_lock (singleton bool PRIMARY KEY DEFAULT true CHECK (singleton), decisions bigint NOT NULL DEFAULT 0);
INSERT INTO link_lock DEFAULT VALUES;

-- ── Matching. Personal data, every row: on the erasure list, by party_ref ─────────────────────────────────────
-- The highest version seen of each value; a removed one keeps its row, so that an older one cannot come back.
CREATE TABLE match_values (
    party_ref text NOT NULL,
    service   text NOT NULL,
    value_key text NOT NULL,                   -- <aggregate>/<id>/<field>
    version   bigint NOT NULL,
    PRIMARY KEY (party_ref, service, value_key)
);
CREATE TABLE match_keys (
    party_ref text NOT NULL,
    service   text NOT NULL,
    value_key text NOT NULL,
    kind      text NOT NULL,
    key       text NOT NULL,
    PRIMARY KEY (party_ref, service, value_key, kind, key)
);
CREATE TABLE match_blocks (
    block     text NOT NULL COLLATE "C",
    party_ref text NOT NULL,
    PRIMARY KEY (block, party_ref)
);
CREATE INDEX match_blocks_party ON match_blocks (party_ref);

-- References to be matched again. Marks are only ever inserted, and deleted by who works on them.
CREATE TABLE match_dirty (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    party_ref text NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);

GRANT SELECT, INSERT, UPDATE ON party_refs, holdings, adopted, pairs TO roadbook_app;
GRANT DELETE ON adopted TO roadbook_app;
GRANT SELECT, UPDATE ON link_lock TO roadbook_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON match_values, match_keys, match_blocks, match_dirty TO roadbook_app;

-- migrate:down

DROP TABLE match_dirty, match_blocks, match_keys, match_values, link_lock, pairs, adopted, holdings, party_refs;
