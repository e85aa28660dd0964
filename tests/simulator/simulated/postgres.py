"""PostgreSQL as far as the kit relies on it: READ COMMITTED, row locks, sequences that never give a number back.

A statement sees what was committed when it began, and what its own transaction wrote. Whoever wants to write a row that
another transaction has written waits for that one's end and then looks again, an INSERT with ON CONFLICT included. Who
closes a circle of waiting is rolled back (40P01). A connection that is lost loses its transaction, unless COMMIT had
arrived. What the statements say stands in `statements`; a statement that is not there is refused.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from simulated.world import Died, Process, World

Key = tuple[str, Any]
Steps = Generator[Any, None, Any]
Statement = Callable[..., Any]
"""`statement(transaction, *arguments)`: the answer, or a generator whose yields are where others may come first."""


class Database:
    """Committed rows by table and key. `most` caps every LIMIT: small chunks make histories short."""

    def __init__(self, world: World, statements: Mapping[str, Statement], most: int = 3) -> None:
        self.world = world
        self.statements = statements
        self.most = most
        self.tables: dict[str, dict[Any, Any]] = defaultdict(dict)
        self.sequences: Counter[str] = Counter()
        self.locks: dict[Key, Transaction] = {}
        self.commits = 0

    def run(self, statement: Statement, *arguments: Any) -> Any:
        """At once, where nobody else is about: for what a test lays out."""
        transaction = Transaction(self)
        answer = statement(transaction, *arguments)
        while isinstance(answer, Generator):
            try:
                answer.send(None)
            except StopIteration as done:
                answer = done.value
        transaction.commit()
        return answer

    def pool(self, process: Process) -> "SimPool":
        return SimPool(self, process)


class Transaction:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.writes: dict[Key, Any] = {}
        self.named: dict[str, dict[Key, Any]] = {}  # what was written when a savepoint of that name was set
        self.over = False
        self.waits_for: Transaction | None = None
        self._held: list[Key] = []

    def get(self, table: str, key: Any) -> Any:
        """The row, None if there is none."""
        place = (table, key)
        return self.writes[place] if place in self.writes else self.database.tables[table].get(key)

    def rows(self, table: str) -> Iterator[tuple[Any, Any]]:
        own = {key: row for (name, key), row in self.writes.items() if name == table}
        for key, row in self.database.tables[table].items():
            if key not in own:
                yield key, row
        for key, row in own.items():
            if row is not None:
                yield key, row

    def lock(self, table: str, key: Any) -> Steps:
        place = (table, key)
        while (holder := self.database.locks.get(place)) is not None and holder is not self:
            self._refuse_circle(holder)
            self.waits_for = holder
            yield Wait(holder, table)
        self.waits_for = None
        if holder is None:
            self.database.locks[place] = self
            self._held.append(place)

    def put(self, table: str, key: Any, row: Any) -> Steps:
        """Writes, or with None deletes, a row, under its lock."""
        yield from self.lock(table, key)
        self.writes[table, key] = row

    def next(self, sequence: str) -> int:
        self.database.sequences[sequence] += 1
        return self.database.sequences[sequence]

    def commit(self) -> None:
        if self.over:
            raise asyncpg.InterfaceError("the transaction is over")
        for (table, key), row in self.writes.items():
            if row is None:
                self.database.tables[table].pop(key, None)
            else:
                self.database.tables[table][key] = row
        self.database.commits += 1
        self._end()

    def rollback(self) -> None:
        if not self.over:
            self._end()

    def _end(self) -> None:
        self.over = True
        for place in self._held:
            del self.database.locks[place]

    def _refuse_circle(self, holder: "Transaction | None") -> None:
        while holder is not None:
            if holder.waits_for is self:
                self.waits_for = None
                raise asyncpg.DeadlockDetectedError("deadlock detected")
            holder = holder.waits_for


@dataclass(frozen=True, slots=True)
class Wait:
    """Yielded by a statement that waits for a row of `table` that `holder` has."""

    holder: Transaction
    table: str

    def __call__(self) -> bool:
        return not self.holder.over


class SimPool:
    """`asyncpg.Pool` for `roadbook.database.acquire`; opening a connection asks nobody."""

    def __init__(self, database: Database, process: Process) -> None:
        self._database = database
        self._process = process

    async def acquire(self, *, timeout: float) -> "SimConnection":
        if not self._process.alive:
            raise Died
        return SimConnection(self._database, self._process)

    async def release(self, connection: "SimConnection", *, timeout: float) -> None:
        connection.terminate()

    async def execute(self, sql: str, *arguments: Any) -> Any:
        return await SimConnection(self._database, self._process).execute(sql, *arguments)


class SimConnection:
    """`asyncpg.Connection`. fetch, fetchrow, fetchval and execute give what the statement's model returns."""

    def __init__(self, database: Database, process: Process) -> None:
        self._database = database
        self._process = process
        self._lost = False
        self.current: Transaction | None = None
        self.savepoints: list[dict[Key, Any]] = []

    async def fetch(self, sql: str, *arguments: Any) -> Any:
        if self._lost:
            raise asyncpg.InterfaceError("connection is closed")
        statement = savepoint(sql) or self._database.statements.get(sql)
        if statement is None:
            raise NotImplementedError(f"the model of PostgreSQL does not know this statement: {sql}")
        transaction = self.current
        if transaction is not None:
            return await self._ask("statement", lambda: statement(transaction, *arguments), owner=transaction)
        return await self._ask("statement", lambda: self._alone(statement, arguments), outlives=True)

    fetchrow = fetchval = execute = fetch

    async def executemany(self, sql: str, rows: Any) -> None:
        await self.fetch(sql, rows)

    def _alone(self, statement: Statement, arguments: tuple[Any, ...]) -> Steps:
        """A statement outside of BEGIN and COMMIT is a transaction of its own."""
        transaction = Transaction(self._database)
        try:
            answer = statement(transaction, *arguments)
            if isinstance(answer, Generator):
                answer = yield from answer
            transaction.commit()
            return answer
        finally:
            transaction.rollback()

    async def _ask(self, kind: str, work: Callable[[], Any], **more: Any) -> Any:
        try:
            return await self._database.world.ask(self._process, kind, work, **more)
        except OSError:
            self.terminate()
            raise

    def begin(self) -> None:
        self.current = transaction = Transaction(self._database)
        self._process.on_death.append(lambda: self._abandon(transaction))

    def transaction(self) -> "SimTransaction":
        return SimTransaction(self)

    def terminate(self) -> None:
        self._lost = True
        if self.current is not None:
            self._abandon(self.current)
        self.current = None

    def _abandon(self, transaction: Transaction) -> None:
        """The server rolls back what nobody can commit any more."""
        if not any(each.owner is transaction and each.kind == "commit" for each in self._database.world.requests):
            transaction.rollback()

    async def commit(self) -> None:
        transaction, self.current = self.current, None
        assert transaction is not None
        try:
            await self._ask("commit", transaction.commit, owner=transaction, outlives=True)
        except OSError:
            self._abandon(transaction)
            raise


def savepoint(sql: str) -> Statement | None:
    """SAVEPOINT and ROLLBACK TO SAVEPOINT (whose locks stay until the end)."""

    def put(transaction: Transaction, name: str) -> None:
        transaction.named[name] = dict(transaction.writes)

    def back(transaction: Transaction, name: str) -> None:
        transaction.writes = dict(transaction.named[name])

    match sql.split():
        case ["SAVEPOINT", name]:
            return lambda transaction: put(transaction, name)
        case ["ROLLBACK", "TO", "SAVEPOINT", name]:
            return lambda transaction: back(transaction, name)
    return None


class SimTransaction:
    """`connection.transaction()`: BEGIN and COMMIT, or inside one a savepoint (whose locks stay until the end)."""

    def __init__(self, connection: SimConnection) -> None:
        self._connection = connection
        self._nested = False

    async def start(self) -> None:
        if self._connection._process.alive is False:
            raise Died
        self._nested = self._connection.current is not None
        if self._nested:
            assert self._connection.current is not None
            self._connection.savepoints.append(dict(self._connection.current.writes))
        else:
            self._connection.begin()

    async def commit(self) -> None:
        if self._nested:
            self._connection.savepoints.pop()
        else:
            await self._connection.commit()

    async def rollback(self) -> None:
        current = self._connection.current
        if self._nested:
            before = self._connection.savepoints.pop()
            if current is not None:
                current.writes = before
        elif current is not None:
            current.rollback()
            self._connection.current = None

    async def __aenter__(self) -> "SimTransaction":
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if kind is None:
            await self.commit()
        else:
            await self.rollback()
