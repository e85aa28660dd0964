"""Roadbook: sales: written by `make contracts` from contracts/openapi/sales.json."""
