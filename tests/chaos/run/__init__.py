"""The chaos run: load on a real stack, a seeded plan of faults, and everything written down for the judge.

`python -m run SEED` makes a run folder (see `tests/chaos/README.md`) and hands it to `checker.judge`, which shares no
line with it. `plan` says what happens when, `faults` do it, `load` and `client` are the callers, `ledger` is their
memory, `eyes` watch the topics from outside, `dumps` and `samples` write down what the services have.
"""
