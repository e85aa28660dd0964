-- The kit's tables, the same in every service's database. The owner role runs this; the app role (a member of
-- roadbook_app) gets only what it needs: no UPDATE, DELETE or TRUNCATE of events (T7).

-- migrate:up

-- ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE streams (
    stream        text PRIMARY KEY CHECK (length(stream) BETWEEN 1 AND 200),
    version       int NOT NULL CHECK (version >= 1),
    key           text NOT NULL,              -- Kafka key, fixed for the stream's life
    last_recorded timestamptz NOT NULL
);

-- CACHE 1: a cached sequence would hand out positions in another order than the row locks (T2).
CREATE SEQUENCE outbox_position AS bigint CACHE 1;

CREATE TABLE events (
    stream      text NOT NULL,                -- append() is the only writer and locks the streams row first
    version     int NOT NULL CHECK (version >= 1),
    position    bigint NOT NULL UNIQUE,
    id          uuid NOT NULL UNIQUE,
    type        text NOT NULL,
    time        timestamptz NOT NULL,
    recorded    timestamptz NOT NULL,
    data        json NOT NULL,                -- json, not jsonb: the text is kept and published byte for byte
    actor       text NOT NULL,
    correlation text NOT NULL,
    causation   text,
    traceparent text,
    dealer      text,
    party_ref   text,
    vin         text,
    PRIMARY KEY (stream, version)             -- the density guard of T2
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are facts: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER events_are_facts BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ── Outbox: a pending set of bare positions, sequenced into a dense log (T3) ──────────────────────────────────
-- channel 'facts': position of an event; channel 'personal': version of a personal_data row.
CREATE TABLE outbox (
    channel  text NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (channel, position)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);

CREATE TABLE outbox_log_head (channel text PRIMARY KEY, next bigint NOT NULL);
INSERT INTO outbox_log_head VALUES ('facts', 1), ('personal', 1);

CREATE TABLE outbox_log (
    channel  text NOT NULL,
    no       bigint NOT NULL,                 -- dense from 1: every cursor downstream is a plain integer
    position bigint NOT NULL,
    PRIMARY KEY (channel, no)
);

CREATE TABLE relay_cursor (channel text PRIMARY KEY, next bigint NOT NULL);
INSERT INTO relay_cursor VALUES ('facts', 1), ('personal', 1);

-- ── Personal data: erasable rows; a removed value keeps its row with NULL so that its version never restarts ──
CREATE TABLE personal_data (
    party_ref   text NOT NULL,
    key         text NOT NULL,                -- <aggregate>/<id>/<field>
    value       json,
    version     bigint NOT NULL UNIQUE,       -- the outbox position
    source      text NOT NULL,
    recorded_at timestamptz NOT NULL,
    verified_at timestamptz,
    PRIMARY KEY (party_ref, key)
);

-- ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────
-- The stored answer holds ids and versions only. `key` is a SHA-256 over client, dealer, method, path and the
-- client's key, so that nothing typed by a client stands here.
CREATE TABLE idempotency (
    key         bytea PRIMARY KEY,
    fingerprint bytea NOT NULL,
    status      int NOT NULL,
    answer      json NOT NULL,
    stream      text,
    version     int,
    personal    json NOT NULL DEFAULT '[]',   -- [[party_ref, key, version], …] for the position token
    created     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idempotency_created ON idempotency (created);

-- ── Timers ────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE timers (
    id       text PRIMARY KEY,                -- <stream>/<kind>: one timer of a kind per stream
    stream   text NOT NULL,
    kind     text NOT NULL,
    due      timestamptz NOT NULL,            -- business time
    claimed  timestamptz,                     -- lease, real time: a claim is a hint, never a lock (T18)
    attempts int NOT NULL DEFAULT 0
);
CREATE INDEX timers_due ON timers (due);

-- One command's whole write in one round trip. Order matters (T2, T5): idempotency row, stream row, events,
-- personal data, timers, and only then the outbox; every statement sees what the locks before it waited for.
-- Outcome 'stored' or 'replay' (the key was used before; nothing written). A version conflict is raised as RB001, a
-- timer that is gone as RB002: the whole transaction, idempotency row included, is undone.
CREATE FUNCTION append(
    p_stream text, p_expected int, p_key text, p_now timestamptz,
    p_ids uuid[], p_types text[], p_times timestamptz[], p_data json[],
    p_dealers text[], p_party_refs text[], p_vins text[],
    p_actor text, p_correlation text, p_causation text, p_traceparent text,
    p_personal_refs text[], p_personal_keys text[], p_personal_values json[], p_personal_source text,
    p_personal_verified timestamptz[],
    p_timer_kinds text[], p_timer_dues timestamptz[], p_timer_cleared text[],
    p_fired_id text, p_fired_due timestamptz,
    p_idempotency bytea, p_fingerprint bytea, p_status int, p_answer json,
    OUT outcome text, OUT recorded timestamptz, OUT personal json,
    OUT replay_fingerprint bytea, OUT replay_status int, OUT replay_answer json,
    OUT replay_stream text, OUT replay_version int
) LANGUAGE plpgsql AS $$
DECLARE
    n int := coalesce(array_length(p_ids, 1), 0);
    found_row idempotency;
BEGIN
    personal := '[]';
    IF p_idempotency IS NOT NULL THEN
        -- A request with the same key may be in flight: wait for it a little, and only for it (T5).
        PERFORM set_config('lock_timeout', '500ms', true);
        INSERT INTO idempotency (key, fingerprint, status, answer, stream, version)
            VALUES (p_idempotency, p_fingerprint, p_status, p_answer, p_stream, p_expected + n)
            ON CONFLICT (key) DO NOTHING;
        IF NOT FOUND THEN
            SELECT * INTO found_row FROM idempotency WHERE key = p_idempotency;
            outcome := 'replay';
            replay_fingerprint := found_row.fingerprint;
            replay_status := found_row.status;
            replay_answer := found_row.answer;
            replay_stream := found_row.stream;
            replay_version := found_row.version;
            personal := found_row.personal;
            RETURN;
        END IF;
        PERFORM set_config('lock_timeout', '0', true);
    END IF;

    IF n > 0 THEN
        IF p_expected = 0 THEN
            INSERT INTO streams (stream, version, key, last_recorded) VALUES (p_stream, n, p_key, p_now)
                ON CONFLICT (stream) DO NOTHING RETURNING last_recorded INTO recorded;
        ELSE
            UPDATE streams SET version = version + n, last_recorded = greatest(last_recorded, p_now)
                WHERE stream = p_stream AND version = p_expected RETURNING last_recorded INTO recorded;
        END IF;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'stream is not at the expected version' USING ERRCODE = 'RB001';
        END IF;
    ELSIF p_expected > 0 THEN
        -- No event, but other writes: they too are decided on exactly this version.
        PERFORM 1 FROM streams WHERE stream = p_stream AND version = p_expected FOR UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'stream is not at the expected version' USING ERRCODE = 'RB001';
        END IF;
        recorded := p_now;
    END IF;

    IF p_fired_id IS NOT NULL THEN
        -- The timer is removed after the stream's lock is held; rescheduling takes them in the same order (T18).
        DELETE FROM timers WHERE id = p_fired_id AND due = p_fired_due;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'timer was moved or done by another' USING ERRCODE = 'RB002';
        END IF;
    END IF;
    IF p_timer_cleared <> '{}' THEN
        DELETE FROM timers WHERE id IN (SELECT p_stream || '/' || kind FROM unnest(p_timer_cleared) AS kind);
    END IF;
    IF p_timer_kinds <> '{}' THEN
        INSERT INTO timers (id, stream, kind, due)
            SELECT p_stream || '/' || t.kind, p_stream, t.kind, t.due FROM unnest(p_timer_kinds, p_timer_dues) AS t (kind, due)
            ON CONFLICT (id) DO UPDATE SET due = excluded.due, claimed = NULL, attempts = 0
            WHERE timers.due <> excluded.due;
    END IF;

    IF p_personal_keys <> '{}' THEN
        WITH written AS (
            INSERT INTO personal_data (party_ref, key, value, version, source, recorded_at, verified_at)
                SELECT v.party_ref, v.key, v.value, nextval('outbox_position'), p_personal_source, p_now, v.verified
                FROM (SELECT * FROM unnest(p_personal_refs, p_personal_keys, p_personal_values, p_personal_verified)
                      AS u (party_ref, key, value, verified) ORDER BY 1, 2) AS v
                ON CONFLICT (party_ref, key) DO UPDATE
                    SET value = excluded.value, version = excluded.version, source = excluded.source,
                        recorded_at = excluded.recorded_at, verified_at = excluded.verified_at
                RETURNING party_ref, key, version
        ), pending AS (
            INSERT INTO outbox (channel, position) SELECT 'personal', version FROM written
        )
        SELECT json_agg(json_build_array(party_ref, key, version) ORDER BY party_ref, key) INTO personal FROM written;
        IF p_idempotency IS NOT NULL THEN
            UPDATE idempotency SET personal = append.personal WHERE key = p_idempotency;
        END IF;
    END IF;

    IF n > 0 THEN
        WITH stored AS (
            INSERT INTO events (stream, version, position, id, type, time, recorded, data,
                                actor, correlation, causation, traceparent, dealer, party_ref, vin)
                SELECT p_stream, p_expected + e.ord, nextval('outbox_position'), e.id, e.type, e.time, append.recorded, e.data,
                       p_actor, p_correlation, p_causation, p_traceparent, e.dealer, e.party_ref, e.vin
                FROM (SELECT * FROM unnest(p_ids, p_types, p_times, p_data, p_dealers, p_party_refs, p_vins)
                      WITH ORDINALITY AS u (id, type, time, data, dealer, party_ref, vin, ord) ORDER BY ord) AS e
                RETURNING position
        )
        INSERT INTO outbox (channel, position) SELECT 'facts', position FROM stored;
    END IF;
    outcome := 'stored';
END $$;

-- Moves the oldest pending positions into the dense log; returns how many. The head row is lock and counter in
-- one; the rows are read by a later statement than the lock's, so that they are seen as they are now (T3).
CREATE FUNCTION sequence_outbox(p_channel text, p_limit int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    head bigint;
    moved int;
BEGIN
    SELECT next INTO head FROM outbox_log_head WHERE channel = p_channel FOR UPDATE;
    WITH taken AS (
        DELETE FROM outbox WHERE channel = p_channel AND position IN (
            SELECT position FROM outbox WHERE channel = p_channel ORDER BY position LIMIT p_limit)
        RETURNING position
    )
    INSERT INTO outbox_log (channel, no, position)
        SELECT p_channel, head + row_number() OVER (ORDER BY position) - 1, position FROM taken;
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved > 0 THEN
        UPDATE outbox_log_head SET next = head + moved WHERE channel = p_channel;
    END IF;
    RETURN moved;
END $$;

-- ── Consuming ─────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE consumer_offsets (
    consumer  text NOT NULL,
    topic     text NOT NULL,
    partition int NOT NULL,
    next      bigint NOT NULL,                -- the offset to read next; moved by compare-and-set (T11)
    PRIMARY KEY (consumer, topic, partition)
);

CREATE TABLE consumer_streams (
    consumer text NOT NULL,
    stream   text NOT NULL,
    version  int NOT NULL,                    -- the last version applied (T12)
    PRIMARY KEY (consumer, stream)
);

CREATE TABLE held (
    consumer  text NOT NULL,
    stream    text NOT NULL,
    version   int NOT NULL,
    topic     text NOT NULL,
    partition int NOT NULL,
    "offset"  bigint NOT NULL,
    key       bytea,
    headers   json NOT NULL,                  -- [[name, value], …], both in base64
    value     bytea,
    timestamp bigint NOT NULL,
    reason    text,                           -- NULL: waits for an earlier version; else the stream is parked here
    since     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, stream, version, topic, partition, "offset")
);
CREATE INDEX held_parked ON held (consumer) WHERE reason IS NOT NULL;

-- What operators gave up: these versions are missing from the consumer's effects for ever, so it is written down.
CREATE TABLE consumer_skips (
    consumer text NOT NULL,
    stream   text NOT NULL,
    version  int NOT NULL,
    reason   text NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, stream, version)
);

-- ── Rights ────────────────────────────────────────────────────────────────────────────────────────────────────
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO roadbook_app;
GRANT SELECT, INSERT ON events TO roadbook_app;
GRANT SELECT, INSERT, UPDATE ON streams TO roadbook_app;
GRANT USAGE ON SEQUENCE outbox_position TO roadbook_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox, personal_data, idempotency, timers TO roadbook_app;
GRANT SELECT, UPDATE ON outbox_log_head, relay_cursor TO roadbook_app;
GRANT SELECT, INSERT, DELETE ON outbox_log TO roadbook_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON consumer_offsets, consumer_streams, held TO roadbook_app;
GRANT SELECT, INSERT, UPDATE ON consumer_skips TO roadbook_app;

-- migrate:down

DROP TABLE consumer_skips, held, consumer_streams, consumer_offsets, timers, idempotency, personal_data,
    relay_cursor, outbox_log, outbox_log_head, outbox, events, streams;
DROP FUNCTION append, sequence_outbox, refuse_change;
DROP SEQUENCE outbox_position;
