-- Many new streams in one transaction: what append() does for one, for an import.

-- migrate:up

-- Streams that are there already are left out. Order matters as in append() (T2): all stream rows first, sorted, so that
-- two imports of one list wait for each other and never in a circle; then timers and personal data; then the events. A
-- position is drawn only when every stream row of the batch is ours.
-- `p_of` and its sisters say of which stream (its place in p_streams, from 1) a row is. Gives a row for each stream that
-- was created: its place, and [[party_ref, key, version], …] of its personal data.
CREATE FUNCTION create_many(
    p_streams text[], p_versions int[], p_keys text[], p_nows timestamptz[],
    p_actors text[], p_correlations text[], p_causations text[], p_traceparents text[], p_sources text[],
    p_of int[], p_numbers int[], p_ids uuid[], p_types text[], p_times timestamptz[], p_data json[],
    p_dealers text[], p_party_refs text[], p_vins text[],
    p_personal_of int[], p_personal_refs text[], p_personal_keys text[], p_personal_values json[],
    p_personal_verified timestamptz[],
    p_timer_of int[], p_timer_kinds text[], p_timer_dues timestamptz[]
) RETURNS TABLE (place int, personal json) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    created int[];
BEGIN
    WITH made AS (
        INSERT INTO streams (stream, version, key, last_recorded)
            SELECT n.stream, n.version, n.key, n.now
            FROM unnest(p_streams, p_versions, p_keys, p_nows) AS n (stream, version, key, now) ORDER BY n.stream
            ON CONFLICT (stream) DO NOTHING RETURNING stream
    )
    SELECT coalesce(array_agg(n.place::int ORDER BY n.place), '{}') INTO created
        FROM unnest(p_streams) WITH ORDINALITY AS n (stream, place) JOIN made USING (stream);

    INSERT INTO timers (id, stream, kind, due)
        SELECT p_streams[t.of] || '/' || t.kind, p_streams[t.of], t.kind, t.due
        FROM unnest(p_timer_of, p_timer_kinds, p_timer_dues) AS t (of, kind, due)
        JOIN unnest(created) AS c (of) USING (of);

    RETURN QUERY
    WITH written AS (
        INSERT INTO personal_data (party_ref, key, value, version, source, recorded_at, verified_at)
            SELECT v.party_ref, v.key, v.value, nextval('outbox_position'), p_sources[v.of], p_nows[v.of], v.verified
            FROM (SELECT * FROM unnest(p_personal_of, p_personal_refs, p_personal_keys, p_personal_values,
                                       p_personal_verified) AS u (of, party_ref, key, value, verified)
                  JOIN unnest(created) AS c (of) USING (of) ORDER BY of, party_ref, key) AS v
            ON CONFLICT (party_ref, key) DO UPDATE
                SET value = excluded.value, version = excluded.version, source = excluded.source,
                    recorded_at = excluded.recorded_at, verified_at = excluded.verified_at
            RETURNING party_ref, key, version
    ), pending AS (
        INSERT INTO outbox (channel, position) SELECT 'personal', version FROM written
    ), told AS (
        SELECT u.of, json_agg(json_build_array(w.party_ref, w.key, w.version) ORDER BY w.party_ref, w.key) AS personal
        FROM written w JOIN unnest(p_personal_of, p_personal_refs, p_personal_keys) AS u (of, party_ref, key)
            ON (u.party_ref, u.key) = (w.party_ref, w.key)
        GROUP BY u.of
    )
    SELECT c.of, coalesce(told.personal, '[]') FROM unnest(created) AS c (of) LEFT JOIN told USING (of) ORDER BY 1;

    WITH stored AS (
        INSERT INTO events (stream, version, position, id, type, time, recorded, data,
                            actor, correlation, causation, traceparent, dealer, party_ref, vin)
            SELECT p_streams[e.of], e.number, nextval('outbox_position'), e.id, e.type, e.time, p_nows[e.of], e.data,
                   p_actors[e.of], p_correlations[e.of], p_causations[e.of], p_traceparents[e.of],
                   e.dealer, e.party_ref, e.vin
            FROM (SELECT * FROM unnest(p_of, p_numbers, p_ids, p_types, p_times, p_data, p_dealers, p_party_refs, p_vins)
                      AS u (of, number, id, type, time, data, dealer, party_ref, vin)
                  JOIN unnest(created) AS c (of) USING (of) ORDER BY of, number) AS e
            RETURNING position
    )
    INSERT INTO outbox (channel, position) SELECT 'facts', position FROM stored;
END $$;

-- migrate:down

DROP FUNCTION create_many;
