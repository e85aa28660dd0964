"""`python -m checker <bootstrap> <topic>…`: one line per customer of headquarters, then one hash over all of them."""

import sys
from datetime import UTC, datetime

from checker import World, digest, read_topics

now = datetime.now(UTC)
records = World(read_topics(sys.argv[1], sys.argv[2:])).customers(None, now)
hashes = {customer: digest(record) for customer, record in records.items()}
for customer in sorted(hashes):
    print(customer, hashes[customer])
print("root", digest(hashes), "at", now.isoformat())
