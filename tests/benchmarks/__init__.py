"""What the product costs, in ratios: each row against a bare baseline that runs alternately with it, in one run.

`python -m benchmarks` (or `make bench`, `make bench-quick`). One module per row, `ours` and `baseline` side by side;
`frame` measures and judges, `stage` is the PostgreSQL and the Kafka that both sides use.
"""
