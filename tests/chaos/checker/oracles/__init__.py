"""The oracles: what must be true of a run, judged from the folder it left and from what stands on Kafka.

Like the fold they share no line with what they judge. `folder` reads the run, `kafka` dumps the topics, `stored` asks
(a) acknowledged => stored once, `published` (b) stored => on Kafka in order, `recorded` (c) record = independent fold
and (e) no dealer sees another's customer. `verdict` adds up and prints.

What the files hold, one JSON object a line (times in RFC 3339):

- `ledger.jsonl`: `invoke` lines (op, attempt, key, dealer, actor, service, method, path, kind, correlation) and
  `answer` lines (op, attempt, class ok | fail | unknown, status, problem, answer). Every attempt sent the op's
  correlation as `X-Correlation-Id`, and so every event says whose it is.
- `stores/<service>.jsonl`: the events. Beside it `.idempotency`, `.reactions` (outcomes), `.held`, `.personal` (the
  rows of personal data), and of the projection `.summaries`; what is not there is not judged.
- `records.jsonl`: viewer, customer, hash (null: not found), body. `samples.jsonl`: viewer, customer, hash, as_of,
  versions (of every stream of the customer's that the projection had), taken while the faults went on.
- `injected.jsonl`: what the run forged on Kafka. `faults.jsonl`, `probes.jsonl`, `run.json`.
"""

from checker.oracles.kafka import Dump, Message, dumped
from checker.oracles.verdict import Anomaly, Verdict

__all__ = ["Anomaly", "Dump", "Message", "Verdict", "dumped"]
