-- What a service did about others' events, once for each: these rows never expire (T15).

-- migrate:up

CREATE TABLE reaction_outcomes (
    reaction text NOT NULL,
    event    uuid NOT NULL,
    stream   text NOT NULL,
    version  int NOT NULL,
    outcome  text NOT NULL,                   -- done, or the code with which the domain rejected it
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (reaction, event)
);
CREATE INDEX reaction_outcomes_rejected ON reaction_outcomes (reaction, at) WHERE outcome <> 'done';

GRANT SELECT, INSERT, UPDATE ON reaction_outcomes TO roadbook_app;

-- migrate:down

DROP TABLE reaction_outcomes;
