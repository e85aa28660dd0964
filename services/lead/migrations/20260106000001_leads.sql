-- What the list of leads shows of routing, holding and scoring; who protects a customer, who may read what, who did.

-- migrate:up

ALTER TABLE leads
    ADD COLUMN region           text,
    ADD COLUMN campaign         text,
    ADD COLUMN state_before     text,         -- what a lead in the recycle bin goes back to
    ADD COLUMN owner            text,         -- NULL: nobody but the dealer's manager
    ADD COLUMN accept_by        timestamptz,  -- set while its dealer has not answered
    ADD COLUMN feedback_overdue boolean NOT NULL DEFAULT false,
    ADD COLUMN pooled           boolean NOT NULL DEFAULT false,
    ADD COLUMN score            int,
    ADD COLUMN received_at      timestamptz NOT NULL DEFAULT now(), -- when it reached us; the intent may be older
    ADD COLUMN first_contact_at timestamptz,
    ADD COLUMN closed_at        timestamptz;  -- lost or converted
CREATE INDEX leads_by_state ON leads (state, captured_at DESC, lead_id DESC);
CREATE INDEX leads_by_state_grade ON leads (state, grade, captured_at DESC, lead_id DESC);
CREATE INDEX leads_by_source ON leads (dealer, source, captured_at DESC, lead_id DESC);
CREATE INDEX leads_by_owner ON leads (owner, captured_at DESC, lead_id DESC) WHERE owner IS NOT NULL;
CREATE INDEX leads_by_assignee ON leads (next_action_assignee) WHERE next_action_assignee IS NOT NULL;
CREATE INDEX leads_overdue ON leads (dealer, captured_at DESC, lead_id DESC) WHERE overdue;
CREATE INDEX leads_pooled ON leads (dealer, captured_at DESC, lead_id DESC) WHERE pooled;
CREATE INDEX leads_due ON leads (dealer, next_action_due) WHERE next_action_due IS NOT NULL;
CREATE INDEX leads_by_campaign ON leads (campaign) WHERE campaign IS NOT NULL;

-- One customer has one protector, through whichever lead: the primary key is the rule.
CREATE TABLE protections (
    party_ref text PRIMARY KEY,
    lead_id   uuid NOT NULL,
    dealer    text NOT NULL,
    staff     text NOT NULL,
    until     timestamptz NOT NULL,
    period    interval NOT NULL               -- an activity moves `until` to so much after it
);
CREATE INDEX protections_by_lead ON protections (lead_id);

CREATE TABLE shares (
    lead_id uuid NOT NULL,
    dealer  text NOT NULL,
    scope   text NOT NULL,
    until   timestamptz NOT NULL,
    PRIMARY KEY (lead_id, dealer)
);
CREATE INDEX shares_by_dealer ON shares (dealer);

-- Every answer that showed a dealer something through a share: written before it is given.
CREATE TABLE share_reads (
    no          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lead_id     uuid NOT NULL,
    dealer      text NOT NULL,
    actor       text NOT NULL,
    what        text NOT NULL,
    scope       text NOT NULL,
    correlation text NOT NULL,
    at          timestamptz NOT NULL
);
CREATE INDEX share_reads_by_lead ON share_reads (lead_id, no DESC);

-- How often a dealer was told, masked, who protects a customer: it must not be found out by asking for everybody.
CREATE TABLE disclosures (
    dealer text NOT NULL,
    hour   timestamptz NOT NULL,
    count  int NOT NULL,
    PRIMARY KEY (dealer, hour)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON protections, shares, disclosures TO roadbook_app;
GRANT SELECT, INSERT ON share_reads TO roadbook_app;

-- migrate:down

DROP TABLE disclosures, share_reads, shares, protections;
DROP INDEX leads_by_campaign, leads_due, leads_pooled, leads_overdue, leads_by_assignee, leads_by_owner, leads_by_source,
    leads_by_state_grade, leads_by_state;
ALTER TABLE leads
    DROP COLUMN region, DROP COLUMN campaign, DROP COLUMN state_before, DROP COLUMN owner, DROP COLUMN accept_by,
    DROP COLUMN feedback_overdue, DROP COLUMN pooled, DROP COLUMN score, DROP COLUMN received_at, DROP COLUMN first_contact_at,
    DROP COLUMN closed_at;
