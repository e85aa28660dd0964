"""Identifiers of people and vehicles as they arrive in the field: read, normalised, judged, never refused."""

from roadbook.identifiers.email import Email, normalise_email
from roadbook.identifiers.names import compact_name_key, name_key
from roadbook.identifiers.phone import Phone, parse_phone, split_phones
from roadbook.identifiers.vin import Vin, check_digit, check_vin, make_vin

__all__ = [
    "Email",
    "Phone",
    "Vin",
    "check_digit",
    "check_vin",
    "compact_name_key",
    "make_vin",
    "name_key",
    "normalise_email",
    "parse_phone",
    "split_phones",
]
