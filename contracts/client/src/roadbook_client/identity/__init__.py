"""Roadbook: identity: written by `make contracts` from contracts/openapi/identity.json."""
