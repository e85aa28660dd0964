"""Callers that behave as ours should: every command has a key, and is asked again until its outcome is definite."""

import asyncio
import json
import random
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from roadbook_cli.issuer import Issuer
from run.ledger import Answered, Figures, Journal, now, sha256

HEADQUARTERS = "headquarters"
SCOPES = (
    *("lead:read", "lead:write", "lead:intake", "identity:read", "identity:write"),
    *("sales:read", "sales:write", "record:read"),
)
ABOVE = ("identity:steward", "network:all")
AGAIN = frozenset({"idempotency_in_flight", "conflict"})  # 409s after which the same request may succeed
NO_ANSWER = (aiohttp.ClientError, OSError)  # TimeoutError is one of these
TIMEOUT = 10.0  # twice a command's budget: what has no answer by then hangs


@dataclass(frozen=True)
class Said:
    """A definite answer. `body` is the JSON of a success or the problem."""

    op: str
    status: int
    body: dict[str, Any]
    replayed: bool

    @property
    def ok(self) -> bool:
        return self.status < 300


@dataclass(frozen=True)
class Response:
    """What came back, whole."""

    status: int
    content: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True)
class Command:
    """One operation. `dealer` None is headquarters. `content` instead of `body` where it is no JSON of ours."""

    service: str
    path: str
    kind: str
    dealer: str | None
    body: dict[str, Any] | None = None
    content: bytes | None = None
    content_type: str = "application/json"
    method: str = "POST"
    params: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None

    def bytes(self) -> bytes:
        if self.content is not None:
            return self.content
        return b"" if self.body is None else json.dumps(self.body, ensure_ascii=False).encode()

    @property
    def commands(self) -> int:
        """A list of leads is as many as it has rows."""
        return len(self.bytes().splitlines()) if self.content_type == "application/x-ndjson" else 1


class Client:
    """All callers of a run. `urls`: by service. `patience`: seconds until an operation is given up as unresolved."""

    def __init__(self, urls: Mapping[str, str], issuer: Issuer, folder: Path, patience: float) -> None:
        self.urls = dict(urls)
        self._issuer = issuer
        self._tokens: dict[str | None, str] = {}
        self._ledger = Journal(folder / "ledger.jsonl")
        self._probes = Journal(folder / "probes.jsonl")
        self.figures = Figures()
        self.probes = {"sent": 0, "leaks": 0}
        self.patience = patience
        # aiohttp, for the load shares two cores with what it loads, and httpx2 took three times as much of them.
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(TIMEOUT),
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._http._retry_connection = False  # it asks GET and DELETE again by itself: the ledger would not know

    def token(self, dealer: str | None) -> str:
        if dealer not in self._tokens:
            scopes = [*SCOPES, *ABOVE] if dealer is None else list(SCOPES)
            self._tokens[dealer] = self._issuer.sign(
                subject=f"chaos-{dealer or HEADQUARTERS}", scopes=scopes, dealer=dealer
            )
        return self._tokens[dealer]

    async def close(self) -> None:
        await self._http.close()
        await self._ledger.close()
        await self._probes.close()

    # ── Commands ────────────────────────────────────────────────────────────────────────────────────────────────
    async def tell(self, command: Command, *, together: int = 1) -> Said | None:
        """Until definite; None when patience ends first. `together`: so many first attempts at once (F3)."""
        op, key, attempts = str(uuid.uuid4()), command.key or f"chaos-{uuid.uuid4()}", 0
        self.figures.open.add(op)
        self.figures.kinds[command.kind] += 1
        end, delay = time.monotonic() + self.patience, 0.05
        while True:
            numbers = range(attempts + 1, attempts + 1 + (together if attempts == 0 else 1))
            attempts = numbers[-1]
            said = await asyncio.gather(*(self._attempt(op, number, key, command) for number in numbers))
            definite = [each for each in said if each is not None]
            if definite:
                self._count(op, definite[0], all(said))
                self.figures.accepted[command.kind] += definite[0].ok
                self.figures.commands += command.commands
                return definite[0]
            self.figures.unclear.add(op)
            if time.monotonic() > end:
                return None  # stays open: the judge calls it unresolved
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))
            delay = min(delay * 2, 1.0)

    def _count(self, op: str, said: Said, clear: bool) -> None:
        self.figures.open.discard(op)
        if not clear:
            self.figures.unclear.add(op)
        self.figures.classes["ok" if said.ok else "fail"] += 1

    async def _attempt(self, op: str, number: int, key: str, command: Command) -> Said | None:
        body, line = command.bytes(), {"op": op, "attempt": number}
        about = {"key": key, "dealer": command.dealer, "service": command.service, "method": command.method}
        about |= {"path": command.path, "body_sha256": sha256(body), "kind": command.kind}
        await self._ledger.write({"phase": "invoke", **line, "t": now(), **about})
        begun = time.monotonic()
        status, content, headers = await self._send(op, key, command, body)
        told, problem, class_ = read(status, content)
        replayed = headers.get("idempotency-replayed") == "true"
        answer = told if class_ == "ok" else None
        await self._ledger.write(
            {"phase": "answer", **line, "t": now(), "class": class_, "status": status, "problem": problem,
             "answer": answer, "answer_sha256": sha256(content) if answer is not None else None, "replayed": replayed}
        )  # fmt: skip
        ended = time.monotonic()
        self.figures.answers.append(
            Answered(ended, ended - begun, command.service, class_, status, problem, replayed, number)
        )
        if class_ == "unknown" or status is None:
            return None
        return Said(op, status, told, replayed)

    async def _send(
        self, op: str, key: str, command: Command, body: bytes
    ) -> tuple[int | None, bytes, Mapping[str, str]]:
        headers = {"Authorization": f"Bearer {self.token(command.dealer)}", "X-Correlation-Id": op}
        headers |= {"Idempotency-Key": f'"{key}"'}
        if body:
            headers["Content-Type"] = command.content_type
        try:
            answer = await self._asked(
                command.method, command.service, command.path, headers, params=dict(command.params), data=body or None
            )
        except NO_ANSWER as error:
            return None, type(error).__name__.encode(), {}
        return answer.status, answer.content, answer.headers

    async def _asked(self, method: str, service: str, path: str, headers: dict[str, str], **more: Any) -> Response:
        async with self._http.request(method, self.urls[service] + path, headers=headers, **more) as response:
            return Response(response.status, await response.read(), response.headers)

    # ── Reads ───────────────────────────────────────────────────────────────────────────────────────────────────
    async def get(self, service: str, path: str, dealer: str | None, **params: str) -> Response | None:
        """One attempt; None when there is no answer."""
        headers = {"Authorization": f"Bearer {self.token(dealer)}"}
        try:
            return await self._asked("GET", service, path, headers, params=params)
        except NO_ANSWER:
            return None

    async def probe(self, dealer: str, service: str, path: str, never: str) -> None:
        """Another dealer's token on an id: the answer is that of an id that never was (`never` is such a path)."""
        there, nothing = await self.get(service, path, dealer), await self.get(service, never, dealer)
        if there is None or nothing is None or 503 in (there.status, nothing.status):
            return
        same = there.status == nothing.status == 404 and there.content == nothing.content
        self.probes["sent"] += 1
        self.probes["leaks"] += not same
        note = "as an id that never was" if same else f"never: {nothing.status}"
        await self._probes.write(
            {"t": now(), "dealer": dealer, "service": service, "path": path, "status": there.status,
             "note": note, "leak": not same}
        )  # fmt: skip


def read(status: int | None, content: bytes) -> tuple[dict[str, Any], str | None, str]:
    """The body, the problem's code, and the class: ok, fail or unknown."""
    if status is None:
        return {}, content.decode(), "unknown"
    try:
        body = json.loads(content) if content else {}
    except ValueError:
        return {}, "unreadable", "unknown"
    body = body if isinstance(body, dict) else {"items": body}
    if status < 300:
        return body, None, "ok"
    code = str(body.get("code", "none"))
    unclear = status >= 500 or status in (408, 429) or (status == 409 and code in AGAIN)
    return body, code, "unknown" if unclear else "fail"
