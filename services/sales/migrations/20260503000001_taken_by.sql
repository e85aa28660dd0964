-- Who takes an opportunity is asked by quote and by contract too, at each acceptance and each signature.

-- migrate:up

CREATE INDEX accepted_quotes_by_quote ON accepted_quotes (quote);
CREATE INDEX standing_contracts_by_contract ON standing_contracts (contract);

-- migrate:down

DROP INDEX accepted_quotes_by_quote, standing_contracts_by_contract;
