-- Customers that are several references, vehicles that had several owners, and what is found by a VIN.

-- migrate:up

-- Streams that belong to several references: a vehicle's to all its owners ('' is a dealer's stock), a link's to both
-- its ends. `dealer` made that version. Written with the states, from which it can always be made again.
CREATE TABLE stream_refs (
    stream    text NOT NULL,
    version   int NOT NULL,
    party_ref text NOT NULL,
    dealer    text,
    PRIMARY KEY (stream, version, party_ref)
);
CREATE INDEX stream_refs_party ON stream_refs (party_ref, stream);

-- What linked them: a pair that is here is linked now.
ALTER TABLE links ADD event text NOT NULL DEFAULT '';

-- Reference -> customer, for headquarters, of customers that are more than one reference: the smallest of its component.
-- Written under the one row of `link_map` alone: two links at once, each seeing the map before the other, leave a wrong
-- one.
CREATE TABLE customer_map (
    party_ref   text PRIMARY KEY,
    customer_id text NOT NULL
);
CREATE INDEX customer_map_customer ON customer_map (customer_id);
CREATE TABLE link_map (singleton bool PRIMARY KEY DEFAULT true CHECK (singleton), rounds bigint NOT NULL DEFAULT 0);
INSERT INTO link_map DEFAULT VALUES;

CREATE INDEX facts_vin ON facts (vin, stream) WHERE vin IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON stream_refs, customer_map TO roadbook_app;
GRANT SELECT, UPDATE ON link_map TO roadbook_app;

-- migrate:down

DROP INDEX facts_vin;
DROP TABLE link_map, customer_map, stream_refs;
ALTER TABLE links DROP event;
