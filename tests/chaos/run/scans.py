"""Tables that were read whole again and again: what costs more the longer a service lives, and no verdict sees."""

from run.stand import SERVICES, Stand

# PostgreSQL counts anew when it had to recover from a crash.
_SCANS = """
SELECT relname AS table, seq_scan AS times, seq_tup_read / seq_scan AS rows FROM pg_stat_user_tables
WHERE seq_scan >= 20 AND seq_tup_read / seq_scan >= 500 ORDER BY seq_tup_read DESC
"""


async def read_whole(stand: Stand) -> str:
    found = []
    for service in SERVICES:
        connection = await stand.connect(service)
        try:
            rows = await connection.fetch(_SCANS)
        finally:
            await connection.close()
        found += [f"{service}.{row['table']} {row['times']} times, {row['rows']} rows" for row in rows]
    return "; ".join(found) or "no table of 500 rows and more, 20 times"
