-- What is shared between dealers (C05): the index of shares, the reads that went through them, and what the composer
-- writes for a grantee.

-- migrate:up

-- Written with the states, from which it can always be made again. A share that was revoked, or ended with its
-- holder, has no row; one that time has ended keeps its row and is compared with the time.
CREATE TABLE stream_grants (
    stream text NOT NULL,
    dealer text NOT NULL,                      -- to whom
    scope  text NOT NULL,                      -- 'contact': personal data, too
    until  timestamptz NOT NULL,
    PRIMARY KEY (stream, dealer)
);

-- Every answer that showed something through a share, written before it was answered.
CREATE TABLE shared_reads (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream      text NOT NULL,
    at          timestamptz NOT NULL,
    dealer      text NOT NULL,                 -- the reader's
    actor       text NOT NULL,
    scope       text NOT NULL,
    route       text NOT NULL,
    correlation text NOT NULL
);
CREATE INDEX shared_reads_stream ON shared_reads (stream, id);
CREATE TRIGGER shared_reads_are_facts BEFORE UPDATE OR DELETE OR TRUNCATE ON shared_reads
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The shares a row is made of, and their scopes: while one of them is not just so, the row is not shown.
ALTER TABLE summaries ADD granted text[] NOT NULL DEFAULT '{}', ADD granted_scopes text[] NOT NULL DEFAULT '{}';
ALTER TABLE search_keys ADD granted bool NOT NULL DEFAULT false;

GRANT SELECT, INSERT, UPDATE, DELETE ON stream_grants TO roadbook_app;
GRANT SELECT, INSERT ON shared_reads TO roadbook_app;

-- migrate:down

ALTER TABLE search_keys DROP granted;
ALTER TABLE summaries DROP granted, DROP granted_scopes;
DROP TABLE shared_reads, stream_grants;
