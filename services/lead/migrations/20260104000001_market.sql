-- Campaigns and their results, showroom days, media spend: read tables, written in the append's transaction.

-- migrate:up

CREATE TABLE campaigns (
    code            text PRIMARY KEY,
    regions         text[] NOT NULL,
    models          text[] NOT NULL,          -- catalogue codes; none: every model
    channels        text[] NOT NULL,
    starts          date NOT NULL,
    ends            date NOT NULL,
    budget_currency text,
    budget_minor    bigint,
    goals           json,
    launched_at     timestamptz NOT NULL,
    closed_at       timestamptz,              -- NULL: open
    close_reason    text,
    version         int NOT NULL
);
-- Lists run newest first by (starts, code), which never change.
CREATE INDEX campaigns_by_start ON campaigns (starts DESC, code DESC);
CREATE INDEX campaigns_open ON campaigns (starts DESC, code DESC) WHERE closed_at IS NULL;

CREATE TABLE campaign_results (
    campaign         text NOT NULL,
    region           text NOT NULL,
    dealer           text,                    -- NULL: headquarters counted it in the region
    first_day        date NOT NULL,
    last_day         date NOT NULL,
    reach            bigint NOT NULL,
    followers_gained bigint NOT NULL,
    visitors         bigint NOT NULL,
    enquiries        bigint NOT NULL,
    test_drives      bigint NOT NULL,
    orders           bigint NOT NULL
);
-- Who counts once for a period: a dealer wherever it stands, headquarters for each region.
CREATE UNIQUE INDEX campaign_results_dealer ON campaign_results (campaign, dealer, first_day, last_day)
    WHERE dealer IS NOT NULL;
CREATE UNIQUE INDEX campaign_results_region ON campaign_results (campaign, region, first_day, last_day)
    WHERE dealer IS NULL;

CREATE TABLE showroom_days (
    dealer      text NOT NULL,
    day         date NOT NULL,
    region      text,                         -- where the dealer stood when the day was first reported
    visitors    bigint NOT NULL,
    enquiries   bigint NOT NULL,
    by_model    json NOT NULL,                -- [{"model", "enquiries"}]
    restated    int NOT NULL,                 -- how often
    reported_at timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    version     int NOT NULL,
    PRIMARY KEY (dealer, day)
);
CREATE INDEX showroom_days_by_day ON showroom_days (day DESC, dealer DESC);

CREATE TABLE media_spend (
    spend       text PRIMARY KEY,             -- the stream's id: region:day:medium[:campaign]
    region      text NOT NULL,
    day         date NOT NULL,
    medium      text NOT NULL,
    campaign    text,
    currency    text NOT NULL,
    minor       bigint NOT NULL,
    corrected   int NOT NULL,                 -- how often
    recorded_at timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    version     int NOT NULL
);
CREATE INDEX media_spend_by_day ON media_spend (day DESC, spend DESC);
CREATE INDEX media_spend_by_region ON media_spend (region, day DESC, spend DESC);
CREATE INDEX media_spend_by_campaign ON media_spend (campaign, region) WHERE campaign IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON campaigns, campaign_results, showroom_days, media_spend TO roadbook_app;

-- migrate:down

DROP TABLE media_spend, showroom_days, campaign_results, campaigns;
