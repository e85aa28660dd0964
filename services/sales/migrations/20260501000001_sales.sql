-- Opportunities, quotes, contracts, orders and vehicles, as they stand now.

-- migrate:up

CREATE TABLE opportunities (
    opportunity uuid PRIMARY KEY,
    party_ref   text NOT NULL,
    dealer      text NOT NULL,
    lead        text,                         -- the stream of the lead it came from
    source      text NOT NULL,
    models      text[] NOT NULL,
    staff       text,
    owner_kind  text NOT NULL,
    tender      text,
    state       text NOT NULL,
    reason      text,
    opened_at   timestamptz NOT NULL,
    closed_at   timestamptz,
    version     int NOT NULL
);
-- Lists run newest first by (opened_at, opportunity), which never change: a page stays right under writes.
CREATE INDEX opportunities_by_dealer ON opportunities (dealer, opened_at DESC, opportunity DESC);
CREATE INDEX opportunities_by_dealer_state ON opportunities (dealer, state, opened_at DESC, opportunity DESC);
CREATE INDEX opportunities_by_staff ON opportunities (staff, opened_at DESC, opportunity DESC);
CREATE INDEX opportunities_by_time ON opportunities (opened_at DESC, opportunity DESC);
CREATE INDEX opportunities_by_party ON opportunities (party_ref);

CREATE TABLE quotes (
    quote       uuid PRIMARY KEY,
    party_ref   text NOT NULL,
    dealer      text NOT NULL,
    opportunity text NOT NULL,                -- what names another stream names it whole: opportunity/<id>
    currency    text NOT NULL,
    total       bigint NOT NULL,              -- minor units, as all amounts here
    vehicles    int NOT NULL,
    staff       text,
    state       text NOT NULL,
    reason      text,
    issued_at   timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    accepted_at timestamptz,
    closed_at   timestamptz,
    version     int NOT NULL
);
CREATE INDEX quotes_by_dealer ON quotes (dealer, issued_at DESC, quote DESC);
CREATE INDEX quotes_by_dealer_state ON quotes (dealer, state, issued_at DESC, quote DESC);
CREATE INDEX quotes_by_staff ON quotes (staff, issued_at DESC, quote DESC);
CREATE INDEX quotes_by_time ON quotes (issued_at DESC, quote DESC);
CREATE INDEX quotes_by_opportunity ON quotes (opportunity, issued_at DESC, quote DESC);

-- Which quote of an opportunity is accepted: one at a time.
CREATE TABLE accepted_quotes (
    opportunity text PRIMARY KEY,
    quote       uuid NOT NULL
);

CREATE TABLE contracts (
    contract         uuid PRIMARY KEY,
    party_ref        text NOT NULL,
    dealer           text NOT NULL,
    opportunity      text,
    quote            text,
    currency         text NOT NULL,
    total            bigint NOT NULL,
    vehicles         int NOT NULL,
    procurement      text NOT NULL,
    tender           text,
    staff            text,
    state            text NOT NULL,
    reason           text,
    document_version int NOT NULL,
    signed_at        timestamptz NOT NULL,
    cancelled_at     timestamptz,
    version          int NOT NULL
);
CREATE INDEX contracts_by_dealer ON contracts (dealer, signed_at DESC, contract DESC);
CREATE INDEX contracts_by_dealer_state ON contracts (dealer, state, signed_at DESC, contract DESC);
CREATE INDEX contracts_by_staff ON contracts (staff, signed_at DESC, contract DESC);
CREATE INDEX contracts_by_time ON contracts (signed_at DESC, contract DESC);
CREATE INDEX contracts_by_opportunity ON contracts (opportunity);
CREATE INDEX contracts_by_quote ON contracts (quote);

CREATE TABLE contract_lines (
    contract uuid NOT NULL,
    line     int NOT NULL,
    model    text NOT NULL,
    quantity int NOT NULL,
    price    bigint NOT NULL,
    PRIMARY KEY (contract, line)
);

-- Which contract of an opportunity stands: one at a time.
CREATE TABLE standing_contracts (
    opportunity text PRIMARY KEY,
    contract    uuid NOT NULL
);

CREATE TABLE orders (
    order_id        uuid PRIMARY KEY,
    party_ref       text NOT NULL,
    dealer          text NOT NULL,
    contract        text NOT NULL,
    line            int NOT NULL,
    model           text NOT NULL,
    condition       text NOT NULL,
    price           bigint NOT NULL,
    currency        text NOT NULL,
    trade_in        text,
    staff           text,
    state           text NOT NULL,
    vin             text,
    promised        date,
    priority        int NOT NULL,
    priority_reason text,
    placed_at       timestamptz NOT NULL,
    delivered_at    timestamptz,
    cancelled_at    timestamptz,
    version         int NOT NULL
);
CREATE INDEX orders_by_dealer ON orders (dealer, placed_at DESC, order_id DESC);
CREATE INDEX orders_by_dealer_state ON orders (dealer, state, placed_at DESC, order_id DESC);
CREATE INDEX orders_by_staff ON orders (staff, placed_at DESC, order_id DESC);
CREATE INDEX orders_by_time ON orders (placed_at DESC, order_id DESC);
CREATE INDEX orders_by_contract ON orders (contract, line);
CREATE INDEX orders_by_vin ON orders (vin) WHERE vin IS NOT NULL;
CREATE INDEX orders_by_party ON orders (party_ref);
CREATE INDEX orders_delivered ON orders (dealer, delivered_at) WHERE delivered_at IS NOT NULL;
CREATE INDEX orders_waiting ON orders (dealer, model, priority DESC, placed_at) WHERE vin IS NULL AND state <> 'cancelled';

-- Which order has a vehicle: one, from its allocation until it comes back to a dealer's stock.
CREATE TABLE allocated_vins (
    vin      text PRIMARY KEY,
    order_id uuid NOT NULL
);
CREATE INDEX allocated_vins_by_order ON allocated_vins (order_id);

CREATE TABLE insurances (
    order_id  uuid NOT NULL,
    no        int NOT NULL,                   -- the version of the order that says so
    partner   text NOT NULL,
    kind      text NOT NULL,
    premium   bigint NOT NULL,
    currency  text NOT NULL,
    expires   date NOT NULL,
    PRIMARY KEY (order_id, no)
);
CREATE INDEX insurances_by_expiry ON insurances (expires, order_id, no);

-- From each transfer to the next: intervals of one VIN never overlap.
CREATE TABLE ownerships (
    vin         text NOT NULL,
    no          int NOT NULL,                 -- the version of the vehicle that says so
    since       timestamptz NOT NULL,
    party_ref   text,                         -- NULL: it stands at the dealer
    dealer      text NOT NULL,
    cause       text NOT NULL,
    source      text,
    odometer_km int,
    PRIMARY KEY (vin, no),
    UNIQUE (vin, since)
);

CREATE TABLE used_sales (
    vin       text NOT NULL,
    no        int NOT NULL,
    party_ref text NOT NULL,
    dealer    text NOT NULL,
    price     bigint NOT NULL,
    currency  text NOT NULL,
    staff     text,
    at        timestamptz NOT NULL,
    PRIMARY KEY (vin, no)
);
CREATE INDEX used_sales_by_dealer ON used_sales (dealer, at);

-- What sales has heard of leads, so that one that is converted opens an opportunity for the right car.
CREATE TABLE leads_heard (
    lead      text PRIMARY KEY,               -- its stream
    version   int NOT NULL,
    party_ref text,
    dealer    text,
    source    text,
    models    text[] NOT NULL,
    staff     text
);
CREATE INDEX leads_heard_by_party ON leads_heard (party_ref);

GRANT SELECT, INSERT, UPDATE, DELETE ON opportunities, quotes, accepted_quotes, contracts, contract_lines,
    standing_contracts, orders, allocated_vins, insurances, ownerships, used_sales, leads_heard TO roadbook_app;

-- migrate:down

DROP TABLE opportunities, quotes, accepted_quotes, contracts, contract_lines, standing_contracts, orders, allocated_vins,
    insurances, ownerships, used_sales, leads_heard;
