-- Generations of the projection (ADR 0033), and derived events from the records that are there already (ADR 0034).

-- migrate:up

-- One row for each time the projection was built from the topics' beginning. While one is built, its tables are in the
-- schema generation_<number>; those of the live one are in public.
CREATE TABLE generations (
    number   int PRIMARY KEY,
    state    text NOT NULL CHECK (state IN ('building', 'live', 'retired', 'dropped')),
    made_by  text NOT NULL,                    -- a digest of the code that folds: other code begins anew
    started  timestamptz NOT NULL DEFAULT now(),
    switched timestamptz
);
CREATE UNIQUE INDEX generations_live ON generations (state) WHERE state = 'live';
CREATE UNIQUE INDEX generations_building ON generations (state) WHERE state = 'building';
INSERT INTO generations (number, state, made_by, switched) VALUES (1, 'live', 'the first', now());
GRANT SELECT ON generations TO roadbook_app;

-- The composer has published nothing of these yet.
INSERT INTO dirty (party_ref) SELECT DISTINCT party_ref FROM stream_states WHERE party_ref IS NOT NULL;

-- migrate:down

DROP TABLE generations;
