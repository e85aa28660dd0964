-- Trade-ins, accessory sales, commission accounts, sales targets, published forecasts, and the steps of the pipeline;
-- all written in the append's transaction. No personal data.

-- migrate:up

-- ── Trade-ins and accessories ─────────────────────────────────────────────────────────────────────────────────
CREATE TABLE trade_ins (
    trade_in     uuid PRIMARY KEY,
    party_ref    text NOT NULL,
    dealer       text NOT NULL,
    vin          text NOT NULL,
    model        text,
    order_id     uuid,                        -- of the new vehicle
    staff        text,
    state        text NOT NULL CHECK (state IN ('appraised', 'agreed', 'received', 'declined')),
    amount       bigint NOT NULL,             -- minor units: as agreed, before that as appraised
    currency     text NOT NULL,
    valid_until  timestamptz NOT NULL,
    appraised_at timestamptz NOT NULL,
    closed_at    timestamptz,
    version      int NOT NULL
);
-- Lists run newest first by a moment and an id, which never change: a page stays right under writes.
CREATE INDEX trade_ins_by_dealer ON trade_ins (dealer, appraised_at DESC, trade_in DESC);
CREATE INDEX trade_ins_by_time ON trade_ins (appraised_at DESC, trade_in DESC);
CREATE INDEX trade_ins_by_vin ON trade_ins (vin);
CREATE INDEX trade_ins_by_party ON trade_ins (party_ref);
CREATE INDEX trade_ins_by_order ON trade_ins (order_id);

CREATE TABLE accessory_sales (
    accessory_sale uuid PRIMARY KEY,
    party_ref      text NOT NULL,
    dealer         text NOT NULL,
    order_id       uuid,
    vin            text,
    total          bigint NOT NULL,           -- minor units
    currency       text NOT NULL,
    staff          text,
    state          text NOT NULL CHECK (state IN ('sold', 'returned')),
    sold_at        timestamptz NOT NULL,
    returned_at    timestamptz,
    version        int NOT NULL
);
CREATE INDEX accessory_sales_by_dealer ON accessory_sales (dealer, sold_at DESC, accessory_sale DESC);
CREATE INDEX accessory_sales_by_time ON accessory_sales (sold_at DESC, accessory_sale DESC);
CREATE INDEX accessory_sales_by_party ON accessory_sales (party_ref);
CREATE INDEX accessory_sales_by_order ON accessory_sales (order_id);
CREATE INDEX accessory_sales_by_vin ON accessory_sales (vin);

-- ── Commission ────────────────────────────────────────────────────────────────────────────────────────────────
-- Where an entry stands, for who has to take it back.
CREATE TABLE commission_entries (
    entry      text PRIMARY KEY,
    staff      text NOT NULL,
    dealer     text NOT NULL,
    earned_by  text NOT NULL,                 -- the stream of the sale
    amount     bigint NOT NULL,               -- minor units; what is taken back is below zero
    currency   text NOT NULL,
    of         text,                          -- the entry that is taken back
    reversed   boolean NOT NULL DEFAULT false,
    settlement text
);
CREATE INDEX commission_entries_by_sale ON commission_entries (earned_by) WHERE of IS NULL AND NOT reversed;

-- The figures of an account by dealer and currency, counted event by event: a statement's receipts add up to them.
CREATE TABLE commission_accounts (
    staff    text NOT NULL,
    dealer   text NOT NULL,
    currency text NOT NULL,
    accrued  bigint NOT NULL DEFAULT 0,
    reversed bigint NOT NULL DEFAULT 0,
    settled  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (staff, dealer, currency)
);
CREATE INDEX commission_accounts_by_dealer ON commission_accounts (dealer, staff, currency);

-- ── Targets and forecasts ─────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE sales_targets (
    dealer   text NOT NULL,
    period   text NOT NULL,                   -- a month: 2026-01
    staff    text NOT NULL,                   -- '': the whole dealer
    units    int NOT NULL,
    amount   bigint,
    currency text NOT NULL,
    set_at   timestamptz NOT NULL,
    PRIMARY KEY (dealer, period, staff)
);

CREATE TABLE forecasts (
    event          uuid PRIMARY KEY,
    dealer         text NOT NULL,
    period         text NOT NULL,
    as_of          timestamptz NOT NULL,
    units_permille bigint NOT NULL,
    amount         bigint NOT NULL,
    currency       text NOT NULL,
    rules          text NOT NULL,
    published_at   timestamptz NOT NULL
);
CREATE INDEX forecasts_by_dealer ON forecasts (dealer, published_at DESC, event DESC);
CREATE INDEX forecasts_by_period ON forecasts (period, published_at DESC, event DESC);
CREATE INDEX forecasts_by_time ON forecasts (published_at DESC, event DESC);

-- ── The pipeline ──────────────────────────────────────────────────────────────────────────────────────────────
-- What each opportunity, quote, contract and order was from each of its events on: what a pipeline as of a past day is
-- made of. Rows are only added.
CREATE TABLE pipeline_steps (
    stream   text NOT NULL,
    version  int NOT NULL,
    kind     text NOT NULL,                   -- opportunity, quote, contract, order
    dealer   text NOT NULL,
    state    text NOT NULL,                   -- open, or what ended it
    at       timestamptz NOT NULL,            -- of the event
    since    timestamptz NOT NULL,            -- when it came where it is
    units    int NOT NULL,
    amount   bigint,                          -- minor units, of all units together
    currency text,
    parent   text,                            -- the opportunity of a quote or contract, the contract of an order
    promised date,
    model    text,
    staff    text,
    source   text,                            -- of an opportunity
    PRIMARY KEY (stream, version)
);
CREATE INDEX pipeline_steps_by_dealer ON pipeline_steps (dealer, stream, version DESC);
CREATE INDEX pipeline_steps_by_parent ON pipeline_steps (parent) WHERE version = 1;

GRANT SELECT, INSERT, UPDATE ON
    trade_ins, accessory_sales, commission_entries, commission_accounts, sales_targets TO roadbook_app;
GRANT SELECT, INSERT ON forecasts, pipeline_steps TO roadbook_app;

-- migrate:down

DROP TABLE pipeline_steps, forecasts, sales_targets, commission_accounts, commission_entries, accessory_sales, trade_ins;
