-- The projection's tables. Facts are kept for ever; everything else can be made again from them and from the
-- personal-data topic.

-- migrate:up

-- Every event as it came. Text, not json: the bytes are kept, and no event can be refused by a column type.
CREATE TABLE facts (
    stream      text NOT NULL,
    version     int NOT NULL CHECK (version >= 1),
    id          text NOT NULL,
    type        text NOT NULL,
    time        timestamptz NOT NULL,          -- when it happened
    recorded    timestamptz NOT NULL,          -- when its service stored it
    party_ref   text,
    vin         text,
    dealer      text,                          -- the holder at this version
    actor       text NOT NULL,
    correlation text NOT NULL,
    causation   text,
    data        text NOT NULL,
    PRIMARY KEY (stream, version)
);
CREATE INDEX facts_timeline ON facts (stream, time, version);
CREATE INDEX facts_id ON facts (id);
CREATE TRIGGER facts_are_facts BEFORE UPDATE OR DELETE OR TRUNCATE ON facts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A cache of folded streams. `fold` and `unknown` say whether newer code has to fold the stream again (T14).
CREATE TABLE stream_states (
    stream    text PRIMARY KEY,
    party_ref text,
    dealer    text,                            -- who holds it now
    version   int NOT NULL,
    fold      int NOT NULL,
    unknown   text[] NOT NULL,                 -- event types that were not understood
    state     json NOT NULL
);
CREATE INDEX stream_states_party ON stream_states (party_ref);
CREATE INDEX stream_states_unknown ON stream_states USING gin (unknown) WHERE unknown <> '{}';

-- Two references that are one customer. Filled from identity's events.
CREATE TABLE links (
    smaller text NOT NULL,
    larger  text NOT NULL,
    PRIMARY KEY (smaller, larger),
    CHECK (smaller < larger COLLATE "C")
);
CREATE INDEX links_larger ON links (larger);

-- ── Personal data: erasable. A removed value keeps its row and version, so that an older one cannot come back ──
CREATE TABLE personal_values (
    party_ref   text NOT NULL,
    service     text NOT NULL,
    key         text NOT NULL,                 -- <aggregate>/<id>/<field>
    stream      text NOT NULL,                 -- <aggregate>/<id>: a value is visible to those who may see the stream
    version     bigint NOT NULL,
    value       json,
    source      text,
    recorded_at timestamptz,
    verified_at timestamptz,
    PRIMARY KEY (party_ref, service, key)
);

-- After an erasure values up to the fence are dropped, whenever they come. Each service counts its own versions.
CREATE TABLE personal_fences (
    party_ref text NOT NULL,
    service   text NOT NULL,
    fence     bigint NOT NULL,
    PRIMARY KEY (party_ref, service)
);

-- ── The composer ──────────────────────────────────────────────────────────────────────────────────────────────
-- Marks are only ever inserted: an upsert that finds a mark and leaves it alone would lose its change when the
-- composer takes that mark before the change is committed.
CREATE TABLE dirty (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    party_ref text NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
CREATE INDEX dirty_party ON dirty (party_ref);

CREATE TABLE composer (singleton bool PRIMARY KEY DEFAULT true CHECK (singleton), rounds bigint NOT NULL DEFAULT 0);
INSERT INTO composer DEFAULT VALUES;

-- One row per customer and viewer: scope is a dealer, or '*' for headquarters.
CREATE TABLE summaries (
    scope          text NOT NULL,
    customer_id    text NOT NULL,
    party_refs     text[] NOT NULL,
    stage          text NOT NULL,
    stage_since    timestamptz,
    open_leads     int NOT NULL,
    overdue        int NOT NULL,
    record_version bigint NOT NULL,
    last_event     timestamptz,
    next_change_at timestamptz,                -- when time alone will change it
    PRIMARY KEY (scope, customer_id)
);
CREATE INDEX summaries_customer ON summaries (customer_id);
CREATE INDEX summaries_due ON summaries (next_change_at) WHERE next_change_at IS NOT NULL;

-- Personal data: on the erasure list, by party_ref.
CREATE TABLE search_keys (
    scope       text NOT NULL,
    kind        text NOT NULL,
    key         text NOT NULL COLLATE "C",     -- byte order, so that a prefix is a range
    party_ref   text NOT NULL,
    customer_id text NOT NULL,
    PRIMARY KEY (scope, kind, key, party_ref)
);
CREATE INDEX search_keys_party ON search_keys (party_ref);

GRANT SELECT, INSERT ON facts TO roadbook_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON stream_states, links, personal_values, personal_fences, dirty, summaries,
    search_keys TO roadbook_app;
GRANT SELECT, UPDATE ON composer TO roadbook_app;

-- migrate:down

DROP TABLE search_keys, summaries, composer, dirty, personal_fences, personal_values, links, stream_states, facts;
