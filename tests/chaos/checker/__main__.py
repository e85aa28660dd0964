"""`python -m checker <bootstrap> <topic>…`: one line per customer of headquarters, then one hash over all of them."""

import sys
from datetime import UTC, datetime

from checker import World, digest, read_topics

now = datetime.now(UTC)
hashes = {ref: digest(made) for ref, made in World(read_topics(sys.argv[1], sys.argv[2:])).customers(None, now).items()}
print(*(f"{ref} {hashes[ref]}" for ref in sorted(hashes)), f"root {digest(hashes)} at {now.isoformat()}", sep="\n")
