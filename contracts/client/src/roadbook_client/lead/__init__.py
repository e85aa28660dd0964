"""Roadbook: lead: written by `make contracts` from contracts/openapi/lead.json."""
