"""A world in which the kit's own code runs on simulated wires: every answer of PostgreSQL and Kafka comes when, and
if, the one who drives the world says so.

Nothing of the kit is rewritten here. `world` has the processes and what is on its way between them and the servers;
`postgres` and `statements` are the database, `kafka` the broker: models. Each says what it takes from the real one; the
contract suites of the kit (`roadbook.testing`) hold the same code to the real PostgreSQL and the real Kafka.
"""
