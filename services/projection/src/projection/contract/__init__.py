"""What others publish, as this service reads it: tolerant, and independent of their code. One module per service."""

from projection.contract.facts import CODECS, StoredFact, Unstorable, known_types, read, read_stored
from projection.contract.identity import IDENTITY
from projection.contract.lead import LEAD
from projection.contract.personal import PersonalRow, read_personal
from projection.contract.sales import SALES
from projection.contract.search_keys import (
    SearchKey,
    email_key,
    full_names,
    name_key,
    personal_keys,
    phone_key,
    vin_key,
)
from projection.contract.states import dump_state, load_state, state_shape

__all__ = [
    "CODECS",
    "IDENTITY",
    "LEAD",
    "SALES",
    "PersonalRow",
    "SearchKey",
    "StoredFact",
    "Unstorable",
    "dump_state",
    "email_key",
    "full_names",
    "known_types",
    "load_state",
    "name_key",
    "personal_keys",
    "phone_key",
    "read",
    "read_personal",
    "read_stored",
    "state_shape",
    "vin_key",
]
