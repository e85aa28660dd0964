"""Tokens of the embedded issuer."""

import json
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from roadbook_cli.issuer import AUDIENCE, ISSUER, Issuer
from roadbook_cli.project import StackError


def test_a_token_verifies_against_the_published_key_set(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path)
    text = issuer.sign(subject="staff-1", scopes=["lead:read", "lead:write"], dealer="dealer-sh-01", seconds=60)
    keys = KeySet.import_key_set(json.loads(issuer.jwks.read_text()))
    token = jwt.decode(text, keys, algorithms=["ES256"])
    assert token.header["typ"] == "at+jwt"
    assert token.claims["iss"] == ISSUER
    assert token.claims["aud"] == AUDIENCE
    assert token.claims["scope"] == "lead:read lead:write"
    assert token.claims["dealer"] == "dealer-sh-01"
    assert token.claims["exp"] - token.claims["iat"] == 60
    assert "dealer" not in jwt.decode(issuer.sign(subject="hq", scopes=["network:all"]), keys).claims


def test_the_private_key_is_ours_alone_and_stays(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path)
    issuer.ensure()
    key = (tmp_path / "key.json").read_text()
    assert (tmp_path / "key.json").stat().st_mode & 0o777 == 0o600
    assert "d" not in json.loads(issuer.jwks.read_text())["keys"][0]
    Issuer(tmp_path).ensure()
    assert (tmp_path / "key.json").read_text() == key


def test_it_signs_nothing_in_production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADBOOK_ENVIRONMENT", "production")
    with pytest.raises(StackError, match="your own issuer"):
        Issuer(tmp_path).sign(subject="x", scopes=[])
    assert not list(tmp_path.iterdir())
