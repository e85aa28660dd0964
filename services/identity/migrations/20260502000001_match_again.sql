-- A reference whose matching failed is matched again after a while.

-- migrate:up

ALTER TABLE match_dirty
    ADD COLUMN due      timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN attempts int NOT NULL DEFAULT 0;

-- migrate:down

ALTER TABLE match_dirty DROP COLUMN due, DROP COLUMN attempts;
