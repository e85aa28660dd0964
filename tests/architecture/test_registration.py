"""What a service has to be listed in besides having a folder in `services/`; docs/how-to/add-a-service.md, step 5."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from roadbook_cli.issuer import SCOPES
from roadbook_cli.project import SERVICES, publishers, topic

ROOT = Path(__file__).parents[2]
INIT, TOPICS = "deploy/compose/postgres-init.sh", "deploy/compose/create-topics.sh"
COLLECTOR = "deploy/otel/collector.yaml"


def text(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


PYPROJECT: dict[str, Any] = tomllib.loads(text("pyproject.toml"))["tool"]
COMPOSE: dict[str, Any] = yaml.safe_load(text("docker-compose.yml"))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_listed_where_it_has_to_be(service: str) -> None:
    lacking = [*tools(service), *compose(service), *containers(service), *pages(service)]
    if lacking:
        pytest.fail("\n".join(lacking), pytrace=False)


def test_what_lacks_is_named() -> None:
    assert len([*tools("nobody"), *compose("nobody")]) == 9


def tools(service: str) -> Iterator[str]:
    if f"services/{service}/src" not in PYPROJECT["mypy"]["mypy_path"]:
        yield f'pyproject.toml, mypy_path: "services/{service}/src"'
    linter = PYPROJECT["importlinter"]
    if service not in linter["root_packages"]:
        yield f'pyproject.toml, importlinter, root_packages: "{service}"'
    layers = [each["layers"] for each in linter["contracts"] if each["type"] == "layers"]
    if service not in layers[0][1].split(" | "):
        yield f'pyproject.toml, importlinter, the layer of all services: "{layers[0][1]} | {service}"'
    if not any(each[0] == f"{service}.main" for each in layers):
        yield f"pyproject.toml, importlinter: a contract of its own, {service}.main first, {service}.domain last"
    for each in linter["contracts"]:
        if each.get("forbidden_modules") == ["aiokafka"] and service not in each["source_modules"]:
            yield f'pyproject.toml, importlinter, {each["name"]!r}, source_modules: "{service}"'


def compose(service: str) -> Iterator[str]:
    for name in (service, f"{service}-migrate"):
        if name not in COMPOSE["services"]:
            yield f"docker-compose.yml: a service {name!r}"
    built = [each.get("build", {}).get("dockerfile") for each in COMPOSE["services"].values()]
    if f"services/{service}/Dockerfile" not in built:
        yield f"docker-compose.yml: `build` with services/{service}/Dockerfile"
    if service not in re.findall(r"[a-z]+", re.findall(r"^for service in (.*); do$", text(INIT), re.MULTILINE)[0]):
        yield f"{INIT}: {service} in the list of databases"
    if service in publishers() and f"create {topic(service)} " not in text(TOPICS):
        yield f"{TOPICS}: the topic {topic(service)}"


def containers(service: str) -> Iterator[str]:
    """Its port is its own, and the same everywhere."""
    ports = {
        name: re.findall(r"^EXPOSE (\d+)$", text(f"services/{name}/Dockerfile"), re.MULTILINE) for name in SERVICES
    }
    (port,) = ports[service]
    if [other for other, theirs in ports.items() if theirs == [port] and other != service]:
        yield f"services/{service}/Dockerfile: another port, {port} is taken"
    if f"127.0.0.1:{port}:{port}" not in COMPOSE["services"].get(service, {}).get("ports", []):
        yield f"docker-compose.yml, {service}, ports: 127.0.0.1:{port}:{port}"
    if f'"{service}:{port}"' not in text(COLLECTOR):
        yield f'{COLLECTOR}, targets: "{service}:{port}"'


def pages(service: str) -> Iterator[str]:
    for scope in sorted(set(re.findall(r'"oidc":\s*\[\s*"([a-z:]+)"', text(f"contracts/openapi/{service}.json")))):
        if scope not in SCOPES:
            yield f'deploy/cli/src/roadbook_cli/issuer.py, SCOPES: "{scope}"'
        if f"`{scope}`" not in text("docs/reference/configuration.md"):
            yield f"docs/reference/configuration.md, access tokens: `{scope}`"
    if f"services/{service}" not in text("README.md"):
        yield f"README.md, where things are: services/{service}"
