"""The `eventsourcing` library on the same PostgreSQL: one new aggregate per command, saved. Runs in the peers' own
environment; knows nothing of ours. DSN in the environment; `{"clients": n, "seconds": s}` a line, measures back."""

import json
import os
import sys
import threading
import time
from urllib.parse import urlsplit

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

TEXT = "x" * 200


class Lead(Aggregate):
    @event("Qualified")
    def __init__(self, model: str, note: str) -> None:
        self.model = model
        self.note = note


class Leads(Application):
    pass


def application(dsn: str) -> Leads:
    at = urlsplit(dsn)
    return Leads(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": at.path.lstrip("/"), "POSTGRES_HOST": at.hostname or "", "POSTGRES_PORT": str(at.port),
            "POSTGRES_USER": at.username or "", "POSTGRES_PASSWORD": at.password or "",
            "POSTGRES_POOL_SIZE": "16", "POSTGRES_MAX_OVERFLOW": "0", "POSTGRES_PREPARE_THRESHOLD": "1",
            "POSTGRES_SCHEMA": "peer", "POSTGRES_CONNECT_TIMEOUT": "30", "POSTGRES_POOL_TIMEOUT": "30",
        }
    )  # fmt: skip


def run(app: Leads, clients: int, seconds: float) -> dict[str, float]:
    taken: list[list[float]] = [[] for _ in range(clients)]
    began = time.perf_counter()
    end = began + seconds

    def client(own: list[float]) -> None:
        while (start := time.perf_counter()) < end:
            app.save(Lead("volkswagen-lavida", TEXT))
            own.append(time.perf_counter() - start)

    threads = [threading.Thread(target=client, args=(own,)) for own in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = sorted(each for own in taken for each in own)
    rate = len(every) / (time.perf_counter() - began)
    return {"rate": rate, "p50": 1000 * every[len(every) // 2], "p99": 1000 * every[len(every) * 99 // 100]}


def main() -> None:
    import psycopg

    dsn = os.environ["DSN"]
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS peer")
    app = application(dsn)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(run(app, order["clients"], order["seconds"])), flush=True)
    app.close()


if __name__ == "__main__":
    main()
