"""Roadbook: projection: written by `make contracts` from contracts/openapi/projection.json."""
