"""Which tables a generation has, and how a whole set of them is made, exchanged and dropped.

The copies are equal to what the migrations made, down to the names of indexes: later migrations must find them.
"""

from collections.abc import Mapping
from typing import Final

import asyncpg

from roadbook.database import Connection

# Made from the topics alone, so each generation has its own. The consumer's place is one of them: so offsets, versions
# and held events change together with what they speak of, and no row has to be renamed.
GENERATIONAL: Final = (
    "consumer_offsets",
    "composer",
    "consumer_streams",
    "consumer_skips",
    "customer_map",
    "held",
    "dirty",
    "facts",
    "link_map",
    "links",
    "personal_values",
    "search_keys",
    "stream_grants",
    "stream_refs",
    "stream_states",
    "summaries",
)
# One for all generations, and why.
KEPT: Final[Mapping[str, str]] = {
    "events": "what was published",
    "generations": "which is the live one",
    "idempotency": "the kit's, unused",
    "outbox": "what was published",
    "outbox_log": "what was published",
    "outbox_log_head": "what was published",
    "personal_data": "the kit's, unused",
    "personal_fences": "an erasure holds for every generation",
    "reaction_outcomes": "the kit's, unused",
    "relay_cursor": "what was published",
    "schema_migrations": "of the database",
    "shared_reads": "the audit of what was shown",
    "streams": "what was published",
    "timers": "the kit's, unused",
}


def schema_of(number: int) -> str:
    return f"generation_{number}"


_INDEXES = """
SELECT c.conname, pg_get_constraintdef(c.oid) AS constraint_, pg_get_indexdef(i.indexrelid) AS index_
FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype IN ('p', 'u')
WHERE i.indrelid = $1::regclass ORDER BY i.indexrelid
"""
_TRIGGERS = "SELECT pg_get_triggerdef(oid) AS made FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal"
_RIGHTS = """
SELECT string_agg(a.privilege_type, ', ') AS rights, a.grantee::regrole::text AS role
FROM pg_class c CROSS JOIN aclexplode(c.relacl) a WHERE c.oid = $1::regclass AND a.grantee <> c.relowner GROUP BY 2
"""
_OPTIONS = "SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = $1::regclass"


async def make(connection: Connection, schema: str) -> None:
    """The empty tables of a new generation, in the caller's transaction."""
    await connection.execute(f"CREATE SCHEMA {schema}")
    for table in GENERATIONAL:
        for statement in await _copied(connection, table, schema):
            await connection.execute(statement)
    for table in ("composer", "link_map"):  # locks, of one row each
        await connection.execute(f"INSERT INTO {schema}.{table} DEFAULT VALUES")


async def _copied(connection: Connection, table: str, schema: str) -> list[str]:
    """The statements that make a copy of a table, its indexes under the same names: LIKE would invent others."""
    here, there = f"public.{table}", f"{schema}.{table}"
    made = [f"CREATE TABLE {there} (LIKE {here} INCLUDING ALL EXCLUDING INDEXES)"]
    for row in await connection.fetch(_INDEXES, here):
        if row["conname"] is not None:
            made.append(f'ALTER TABLE {there} ADD CONSTRAINT "{row["conname"]}" {row["constraint_"]}')
        else:
            made.append(row["index_"].replace(f" ON {here} ", f" ON {there} ", 1))
    for row in await connection.fetch(_TRIGGERS, here):
        made.append(row["made"].replace(f" ON {here} ", f" ON {there} ", 1))
    for row in await connection.fetch(_RIGHTS, here):
        made.append(f"GRANT {row['rights']} ON {there} TO {row['role']}")
    options = await connection.fetchval(_OPTIONS, here)
    if options:
        made.append(f"ALTER TABLE {there} SET ({options})")
    return made


_SHAPE = """
SELECT c.relname AS table, 'column' AS kind, a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' '
       || a.attnotnull::text || ' ' || a.attidentity::text || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS it
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = $1::regnamespace AND c.relname = ANY($2::text[])
UNION ALL
SELECT c.relname, 'index', i.relname || ' ' || replace(pg_get_indexdef(i.oid), $1 || '.', '')
FROM pg_class c JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid
WHERE c.relnamespace = $1::regnamespace AND c.relname = ANY($2::text[])
UNION ALL
SELECT c.relname, 'constraint', k.conname || ' ' || pg_get_constraintdef(k.oid)
FROM pg_class c JOIN pg_constraint k ON k.conrelid = c.oid
WHERE c.relnamespace = $1::regnamespace AND c.relname = ANY($2::text[])
UNION ALL
SELECT c.relname, 'trigger', replace(pg_get_triggerdef(t.oid), $1 || '.', '')
FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
WHERE c.relnamespace = $1::regnamespace AND c.relname = ANY($2::text[])
UNION ALL
SELECT c.relname, 'rights', a.grantee::regrole::text || ' ' || a.privilege_type
FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
WHERE c.relnamespace = $1::regnamespace AND c.relname = ANY($2::text[]) AND a.grantee <> c.relowner
UNION ALL
SELECT c.relname, 'options', array_to_string(c.reloptions, ', ')
FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relname = ANY($2::text[]) AND c.reloptions IS NOT NULL
"""


async def shape(connection: Connection, schema: str) -> frozenset[tuple[str, str, str]]:
    """(table, kind, what): equal for two schemas whose tables a reader and a migration cannot tell apart."""
    rows: list[asyncpg.Record] = await connection.fetch(_SHAPE, schema, list(GENERATIONAL))
    return frozenset((row["table"], row["kind"], row["it"]) for row in rows)


async def exchange(connection: Connection, old: str, new: str) -> None:
    """The tables of public go to schema `old`, those of `new` to public: only the catalogue changes, however much they
    hold. The caller has locked those of public."""
    swaps = [f"CREATE SCHEMA {old}"]
    for table in GENERATIONAL:
        swaps += [f"ALTER TABLE public.{table} SET SCHEMA {old}", f"ALTER TABLE {new}.{table} SET SCHEMA public"]
    await connection.execute("; ".join([*swaps, f"DROP SCHEMA {new}"]))


async def drop(connection: Connection, schema: str) -> None:
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
