"""F42 and DESIGN §10: which tokens are believed, and what a caller may do."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey
from starlette.requests import Request
from starlette.responses import Response

from roadbook.errors import Unavailable
from roadbook.http import auth, jwks
from roadbook.http.app import UndeclaredRoute, create_app
from roadbook.http.auth import Caller, InvalidToken, TokenVerifier, requires
from roadbook.http.jwks import KeySource
from roadbook.http.routes import router
from roadbook.settings import Settings, SettingsError
from roadbook.testing.http import AUDIENCE, ISSUER, Signer, serving


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}."


def _hs256_with_public_key(signer: Signer) -> str:
    """The classic confusion: the public key, which everybody has, used as the secret of an HMAC."""
    head = _b64(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": str(signer.key.kid)}).encode())
    signed = f"{head}.{_b64(json.dumps(signer.claims()).encode())}"
    return f"{signed}.{_b64(hmac.digest(signer.key.as_pem(private=False), signed.encode(), hashlib.sha256))}"


def _other_key(signer: Signer, kid: str | None = None) -> str:
    key = ECKey.generate_key("P-256", private=True)
    header = {"alg": "ES256", "typ": "at+jwt", "kid": kid or str(signer.key.kid)}
    return jwt.encode(header, signer.claims(), key, algorithms=["ES256"])


def _rs256(signer: Signer) -> str:
    header = {"alg": "RS256", "typ": "at+jwt", "kid": str(signer.key.kid)}
    return jwt.encode(header, signer.claims(), RSAKey.generate_key(2048, private=True), algorithms=["RS256"])


def _own_jwk(signer: Signer) -> str:
    key = ECKey.generate_key("P-256", private=True)
    header = {"alg": "ES256", "typ": "at+jwt", "kid": "mine", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, signer.claims(), key, algorithms=["ES256"])


def _raw_header(signer: Signer, header: bytes) -> str:
    return f"{_b64(header)}.{_b64(json.dumps(signer.claims()).encode())}.{_b64(b'x' * 64)}"


def _signed_bytes(signer: Signer, payload: bytes) -> str:
    header = {"alg": "ES256", "typ": "at+jwt", "kid": str(signer.key.kid)}
    return jws.serialize_compact(header, payload, signer.key, algorithms=["ES256"])


def bad_tokens(s: Signer) -> dict[str, str]:
    now = int(time.time())
    good = s.token()
    head, body, signature = good.split(".")
    return {
        "expired": s.token(exp=now - 31),
        "not yet": s.token(nbf=now + 120),
        "issued in the future": s.token(iat=now + 120),
        "no exp": s.token(exp=None),
        "no iat": s.token(iat=None),
        "no aud": s.token(aud=None),
        "no iss": s.token(iss=None),
        "no sub": s.token(sub=None),
        "exp as text": s.token(exp=str(now + 300)),
        "exp as true": s.token(exp=True),
        "exp as float": s.token(exp=now + 300.5),
        "exp far away": s.token(exp=2**60),
        "wrong aud": s.token(aud="another"),
        "wrong aud list": s.token(aud=["another"]),
        "aud as object": s.token(aud={AUDIENCE: 1}),
        "wrong iss": s.token(iss="https://evil.test"),
        "iss as list": s.token(iss=[ISSUER]),
        "sub with spaces": s.token(sub="Li Ming"),
        "sub too long": s.token(sub="x" * 65),
        "scope as list": s.token(scope=["thing:read"]),
        "dealer in capitals": s.token(dealer="DEALER"),
        "dealer as list": s.token(dealer=["dealer-1"]),
        "alg none": _unsigned({"alg": "none", "typ": "at+jwt", "kid": str(s.key.kid)}, s.claims()),
        "alg none with our signature": ".".join([_b64(b'{"alg":"none","typ":"at+jwt"}'), body, signature]),
        "no signature": f"{head}.{body}.",
        "HS256 with the public key": _hs256_with_public_key(s),
        "RS256": _rs256(s),
        "another key under our kid": _other_key(s),
        "unknown kid": _other_key(s, "nobody"),
        "no kid": _raw_header(s, b'{"alg":"ES256","typ":"at+jwt"}'),
        "kid as number": _raw_header(s, b'{"alg":"ES256","typ":"at+jwt","kid":1}'),
        "kid as path": _other_key(s, "../../etc/passwd"),
        "jwk header": _own_jwk(s),
        "jku header": _raw_header(s, b'{"alg":"ES256","typ":"at+jwt","kid":"a","jku":"https://evil.test"}'),
        "x5u header": _raw_header(s, b'{"alg":"ES256","typ":"at+jwt","kid":"a","x5u":"https://evil.test"}'),
        "crit header": _raw_header(s, b'{"alg":"ES256","typ":"at+jwt","kid":"a","crit":["exp"]}'),
        "typ JWT": s.token(header={"typ": "JWT"}),
        "typ missing": _raw_header(s, b'{"alg":"ES256","kid":"a"}'),
        "header no object": _raw_header(s, b"[]"),
        "header deep": _raw_header(s, b"[" * 3000),
        "header no json": _raw_header(s, b"\xff\xfe"),
        "claims no object": _signed_bytes(s, b"[]"),
        "claims no json": _signed_bytes(s, b"\xff"),
        "claims deep": _signed_bytes(s, b"[" * 2000),
        "cut": good[:-10],
        "changed": f"{head}.{body[:-4]}AAAA.{signature}",
        "four parts": good + ".x",
        "two parts": f"{head}.{body}",
        "empty": "",
        "dots": "..",
        "one megabyte": "a" * 500_000 + "." + "b" * 500_000 + ".c",
        "over the cap": s.token(pad="x" * 9000),
        "not ascii": "é.é.é",
    }


@pytest.fixture
def verifier(signer: Signer) -> TokenVerifier:
    return TokenVerifier(ISSUER, AUDIENCE, KeySource(str(signer.jwks)))


async def test_none_of_the_bad_tokens_is_believed(signer: Signer, verifier: TokenVerifier) -> None:
    believed = []
    for name, token in bad_tokens(signer).items():
        try:
            await verifier.verify(token)
            believed.append(name)
        except InvalidToken:
            continue
    assert believed == []


async def test_the_same_tokens_over_http(signer: Signer, sample: Any, client: httpx2.AsyncClient) -> None:
    for name, token in bad_tokens(signer).items():
        if not token.isascii():
            continue
        answer = await client.get("/v1/things", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, name
        assert answer.json()["code"] == "invalid_token"
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": -5},
        {"nbf": 10, "exp": 300},
        {"aud": ["another", AUDIENCE]},
        {"client_id": "dms-7"},
    ],
)
async def test_good_tokens_are_believed(changes: dict[str, Any], signer: Signer, verifier: TokenVerifier) -> None:
    """Times are given in seconds from now."""
    changes = {name: int(time.time()) + value if isinstance(value, int) else value for name, value in changes.items()}
    caller = await verifier.verify(signer.token(**changes))
    assert caller == Caller(
        "staff-1", changes.get("client_id", "staff-1"), "dealer-1", False, frozenset({"thing:read", "thing:write"})
    )


async def test_the_long_media_type_is_a_type_too(signer: Signer, verifier: TokenVerifier) -> None:
    assert (await verifier.verify(signer.token(header={"typ": "application/at+JWT"}))).sub == "staff-1"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "authentication_required"),
        ({"Authorization": "Basic YTpi"}, "invalid_token"),
        ({"Authorization": "Bearer"}, "invalid_token"),
    ],
)
async def test_no_token_is_401(headers: dict[str, str], code: str, sample: Any, client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v1/things", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_two_authorization_headers_are_none(sample: Any, client: httpx2.AsyncClient) -> None:
    token = sample.signer.bearer()["Authorization"]
    answer = await client.get("/v1/things", headers=[("Authorization", token), ("Authorization", token)])
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"scope": "thing:write"}, 403),
        ({"scope": ""}, 403),
        ({"scope": None}, 403),
        ({"dealer": None}, 403),
        ({"dealer": None, "scope": "thing:read network:all"}, 200),
        ({"scope": "thing:read"}, 200),
    ],
)
async def test_scope_and_dealer(changes: dict[str, Any], status: int, sample: Any, client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v1/things", headers=sample.signer.bearer(**changes))
    assert answer.status_code == status
    if status == 403:
        assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="thing:read"'


async def test_a_stranger_is_refused_before_the_body_is_read(sample: Any) -> None:
    read = 0

    async def body() -> Any:
        nonlocal read
        read += 1
        yield b"x" * 1024

    async with sample.client() as client:
        answer = await client.post("/v1/things", content=body(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, read) == (401, 0)


def test_a_dealer_sees_its_own_and_headquarters_everything() -> None:
    dealer = Caller("s", "c", "dealer-1", False, frozenset())
    assert dealer.may_see("dealer-1")
    assert not dealer.may_see("dealer-2")
    assert not dealer.may_see(None)
    assert Caller("s", "c", None, True, frozenset()).may_see(None)


# start-up
def _create(routes: Any, signer: Signer) -> FastAPI:
    settings = Settings.for_service("sample", signer.environment())
    return create_app(settings=settings, name="sample", title="Sample", routers=[routes])


def test_a_route_without_a_scope_fails_at_start_up(signer: Signer) -> None:
    routes = router("/v1")

    @routes.get("/open")
    async def open_route() -> Response:
        return Response()

    with pytest.raises(UndeclaredRoute, match="/v1/open: declares no scope"):
        _create(routes, signer)


def test_a_route_of_another_router_fails_at_start_up(signer: Signer) -> None:
    routes = APIRouter(prefix="/v1")

    @routes.get("/lax")
    async def lax(caller: Annotated[Caller, requires("thing:read")]) -> Response:
        return Response()

    with pytest.raises(UndeclaredRoute, match="/v1/lax: declare it on a router"):
        _create(routes, signer)


def test_a_mounted_application_fails_at_start_up(signer: Signer) -> None:
    routes = router()
    routes.mount("/v1/else", FastAPI())
    with pytest.raises(UndeclaredRoute, match="/v1/else"):
        _create(routes, signer)


def test_t1_a_dependency_with_clean_up_fails_at_start_up(signer: Signer) -> None:
    async def unit_of_work() -> Any:
        yield 1  # a commit here would come after the response

    routes = router("/v1")

    @routes.get("/late")
    async def late(
        caller: Annotated[Caller, requires("thing:read")], work: Annotated[int, Depends(unit_of_work)]
    ) -> Response:
        return Response()

    with pytest.raises(UndeclaredRoute, match="/v1/late: a dependency yields"):
        _create(routes, signer)


def test_a_dependency_that_would_take_a_thread_fails_at_start_up(signer: Signer) -> None:
    def running() -> int:
        return 1

    routes = router("/v1")

    @routes.get("/threaded")
    async def threaded(
        caller: Annotated[Caller, requires("thing:read")], kept: Annotated[int, Depends(running)]
    ) -> Response:
        return Response()

    with pytest.raises(UndeclaredRoute, match="/v1/threaded: a dependency is not `async`"):
        _create(routes, signer)


def test_routes_without_an_issuer_fail_at_start_up() -> None:
    routes = router("/v1")

    @routes.get("/things")
    async def things(caller: Annotated[Caller, requires("thing:read")]) -> Response:
        return Response()

    with pytest.raises(SettingsError, match="ROADBOOK_OIDC_ISSUER"):
        create_app(settings=Settings.for_service("sample", {}), name="s", title="S", routers=[routes])


@pytest.mark.parametrize("scopes", [(), ("read",), ("thing:read", "Thing Write")])
def test_a_scope_has_a_shape(scopes: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="scope"):
        requires(*scopes)


# keys
async def test_a_token_that_was_good_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its signature is computed once per key; its times in every request, and under another key it is nothing."""
    signer = Signer(tmp_path)
    verifier, token = TokenVerifier(ISSUER, AUDIENCE, KeySource(str(signer.jwks))), signer.token()
    assert await verifier.verify(token) == await verifier.verify(token)
    with pytest.raises(InvalidToken, match="signature"):
        await verifier.verify(token[:-2] + ("AA" if token[-2:] != "AA" else "BB"))
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr(time, "time", lambda: now + 3600)
        with pytest.raises(InvalidToken, match="exp"):
            await verifier.verify(token)
    other = ECKey.generate_key("P-256", private=True).as_dict(private=False)
    signer.jwks.write_text(json.dumps({"keys": [{**other, "kid": str(signer.key.kid)}]}))
    monkeypatch.setattr(jwks, "MAX_AGE_SECONDS", 0.0)
    monkeypatch.setattr(jwks, "MIN_REFRESH_SECONDS", 0.0)
    with pytest.raises(InvalidToken, match="signature"):
        await verifier.verify(token)


async def test_a_token_that_is_believed_is_taken_apart_once(signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Header, signature and claims: what is left of each request is the digest, the key and the times."""
    verifier, token = TokenVerifier(ISSUER, AUDIENCE, KeySource(str(signer.jwks))), signer.token()
    done: list[str] = []
    for name in ("_checked_header", "_caller"):
        real = getattr(auth, name)
        monkeypatch.setattr(auth, name, lambda value, name=name, real=real: done.append(name) or real(value))
    callers = [await verifier.verify(token) for _ in range(5)]
    assert callers == [callers[0]] * 5
    assert done == ["_checked_header", "_caller"]
    assert (await verifier.verify(signer.token(sub="someone-else"))).sub == "someone-else"
    assert done == ["_checked_header", "_caller"] * 2


async def test_no_more_than_so_many_tokens_are_remembered(signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "MAX_BELIEVED", 2)
    verifier = TokenVerifier(ISSUER, AUDIENCE, KeySource(str(signer.jwks)))
    for subject in ("one", "two", "three", "one"):
        assert (await verifier.verify(signer.token(sub=subject))).sub == subject
    assert len(verifier._believed) == 2


async def test_an_unknown_kid_reads_the_keys_again_but_not_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "first").mkdir()
    first, second = Signer(tmp_path / "first"), Signer(tmp_path)
    second.jwks.write_text(json.dumps({"keys": [first.key.as_dict(private=False)]}))
    keys = KeySource(str(second.jwks))
    assert await keys.key(str(first.key.kid)) is not None
    second.jwks.write_text(json.dumps({"keys": [k.key.as_dict(private=False) for k in (first, second)]}))
    assert await keys.key(str(second.key.kid)) is None  # a forged kid costs no read
    monkeypatch.setattr(jwks, "MIN_REFRESH_SECONDS", 0.0)
    assert await keys.key(str(second.key.kid)) is not None


async def test_keys_that_cannot_be_read_are_a_503_until_they_can(tmp_path: Path, signer: Signer) -> None:
    path = tmp_path / "late.json"
    keys = KeySource(str(path))
    with pytest.raises(Unavailable):
        await keys.key(str(signer.key.kid))


async def test_old_keys_stay_while_the_issuer_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = Signer(tmp_path)
    keys = KeySource(str(signer.jwks))
    assert await keys.key(str(signer.key.kid)) is not None
    monkeypatch.setattr(jwks, "MIN_REFRESH_SECONDS", 0.0)
    monkeypatch.setattr(jwks, "MAX_AGE_SECONDS", 0.0)
    signer.jwks.write_text("not json")
    assert await keys.key(str(signer.key.kid)) is not None


async def test_an_issuer_that_hangs_up_as_it_is_called_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> Any:
        raise AttributeError("'NoneType' object has no attribute 'getpeername'")

    monkeypatch.setattr(jwks.httpx2.AsyncClient, "stream", gone)
    with pytest.raises(Unavailable):
        await KeySource("http://127.0.0.1:9/jwks.json").key("any")


async def test_keys_that_are_not_for_us_are_left_out(tmp_path: Path) -> None:
    signer = Signer(tmp_path)
    public = signer.key.as_dict(private=False)
    rsa = RSAKey.generate_key(2048, {"kid": "rsa"}, private=False).as_dict()
    broken = {**public, "kid": "broken", "x": "AAAA"}
    others = [{**public, "kid": "enc", "use": "enc"}, {**public, "kid": "alg", "alg": "ES384"}, rsa, broken, 7, {}]
    signer.jwks.write_text(json.dumps({"keys": [*others, public]}))
    keys = KeySource(str(signer.jwks))
    assert await keys.key(str(signer.key.kid)) is not None
    for kid in ("enc", "alg", "rsa", "broken"):
        assert await keys.key(kid) is None


async def test_keys_over_http_are_fetched_once_and_capped(signer: Signer) -> None:
    served: list[str] = []
    body = {"/jwks": signer.jwks.read_bytes(), "/huge": b" " * (jwks.MAX_BYTES + 1)}

    async def issuer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for event in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{event}.complete"})
            return
        path = Request(scope).url.path
        served.append(path)
        headers = {"Location": "/jwks"} if path == "/moved" else {}
        await Response(body.get(path, b""), 302 if headers else 200, headers)(scope, receive, send)

    settings = Settings.for_service("issuer", {})
    async with serving(issuer, settings) as (host, port):
        keys = KeySource(f"http://{host}:{port}/jwks")
        found = await asyncio.gather(*(keys.key(str(signer.key.kid)) for _ in range(20)))
        assert all(found)
        assert served == ["/jwks"]
        for path in ("/huge", "/moved"):
            with pytest.raises(Unavailable):
                await KeySource(f"http://{host}:{port}{path}").key("a")
        assert served == ["/jwks", "/huge", "/moved"]
