-- Lists of leads that were imported, and what became of each row. Row ids and rejected rows are personal data: they have
-- a time to live.

-- migrate:up

CREATE TABLE imports (
    import_id  uuid PRIMARY KEY,
    dealer     text,                          -- NULL: headquarters
    source     text NOT NULL,                 -- of the list
    format     text NOT NULL CHECK (format IN ('csv', 'ndjson')),
    columns    text[],                        -- of a CSV file, in its order
    dry_run    boolean NOT NULL,
    state      text NOT NULL CHECK (state IN ('running', 'done', 'failed', 'interrupted')),
    fault      text,                          -- why it failed: a code
    fault_row  int,
    rows       int NOT NULL DEFAULT 0,
    created    int NOT NULL DEFAULT 0,
    known      int NOT NULL DEFAULT 0,
    rejected   int NOT NULL DEFAULT 0,
    started    timestamptz NOT NULL,
    updated    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX imports_expiry ON imports (expires_at);

CREATE TABLE import_rows (
    import_id uuid NOT NULL,
    number    int NOT NULL,                   -- in the file, from 1
    row_id    text,
    result    text NOT NULL CHECK (result IN ('created', 'would_create', 'known', 'rejected')),
    lead_id   uuid,
    reasons   json,                           -- [{pointer, column?, code, detail}, …]
    text      text,                           -- of a rejected row: its line, or its cells as JSON
    PRIMARY KEY (import_id, number)
);
CREATE INDEX import_rows_rejected ON import_rows (import_id, number) WHERE result = 'rejected';
CREATE INDEX import_rows_tried ON import_rows (import_id, lead_id) WHERE result = 'would_create';

GRANT SELECT, INSERT, UPDATE, DELETE ON imports, import_rows TO roadbook_app;

-- migrate:down

DROP TABLE import_rows, imports;
