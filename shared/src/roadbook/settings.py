"""Settings of a service, read once from the environment and never again.

`Settings.for_service("lead")` reads `ROADBOOK_LEAD_<FIELD>` first and `ROADBOOK_<FIELD>` second; each may also be given
as `<NAME>_FILE`, a file whose content is the value (for secrets). A service adds fields by subclassing.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

DEMO_SECRET = "development-only-secret-not-for-production"  # noqa: S105 - refused in production
PLACEHOLDERS = ("development-only", "changeme", "change-me", "demo-secret", "example-secret")
PER_SERVICE = frozenset({"database_url", "owner_database_url", "host", "port"})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class SettingsError(Exception):
    """What is wrong with the environment, in one message that names variables and shows no value."""


class Settings(BaseSettings):
    """What every service knows about its surroundings. Times are in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    service: str
    environment: Literal["development", "production"] = "development"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    database_url: SecretStr | None = None
    owner_database_url: SecretStr | None = None
    kafka_bootstrap: str = ""
    base_url: str = ""
    oidc_issuer: str = ""
    oidc_audience: str = ""
    oidc_jwks: str = ""
    seed_file: Path | None = None
    traces: str = Field(default="", pattern=r"^(off|otlp|file:.+)?$")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    clock: str = Field(default="real", pattern=r"^(real|file:.+)$")
    ordinal: int = Field(default=0, ge=0)
    replicas: int = Field(default=1, ge=1)
    cursor_secret: SecretStr = SecretStr(DEMO_SECRET)
    pool_size: int = Field(default=10, ge=1, le=100)
    max_in_flight: int = Field(default=64, ge=1, le=10_000)
    max_connections: int = Field(default=1000, ge=10, le=100_000)

    @classmethod
    def for_service(cls, service: str, environ: Mapping[str, str] | None = None) -> Self:
        """Read the environment of `service`; raises `SettingsError` that names every wrong variable."""
        given = _from_environment(cls, service, os.environ if environ is None else environ)
        try:
            return cls.model_validate({"service": service, **given})
        except ValidationError as error:
            raise SettingsError(_explain(service, error)) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # pydantic's own environment source knows neither two prefixes nor _FILE

    @property
    def public_url(self) -> str:
        """The base of every URL we hand out, without a slash at the end."""
        return self.base_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def problems_url(self) -> str:
        return f"{self.public_url}/problems"

    def dsn(self) -> str:
        """The app role's database; raises `SettingsError` when none is configured."""
        return self._secret("database_url")

    def owner_dsn(self) -> str:
        """The owner role's database, for migrations only; raises `SettingsError` when none is configured."""
        return self._secret("owner_database_url")

    def _secret(self, field: str) -> str:
        value: SecretStr | None = getattr(self, field)
        if value is None or not value.get_secret_value():
            raise SettingsError(f"{variable(self.service, field)} is not set")
        return value.get_secret_value()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.ordinal >= self.replicas:
            raise ValueError("ROADBOOK_ORDINAL must be smaller than ROADBOOK_REPLICAS")
        if self.environment == "production":
            faults = list(_unfit_for_production(self))
            if faults:
                raise ValueError("; ".join(faults))
        return self


def variable(service: str, field: str) -> str:
    """The name of the environment variable that sets `field`: `ROADBOOK_LEAD_PORT`, `ROADBOOK_BASE_URL`."""
    prefix = f"ROADBOOK_{service.upper()}_" if field in PER_SERVICE else "ROADBOOK_"
    return f"{prefix}{field.upper()}"


def _from_environment(cls: type[Settings], service: str, environ: Mapping[str, str]) -> dict[str, str]:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", service):
        raise SettingsError("the name of a service is a short lower-case word")
    given: dict[str, str] = {}
    for field in cls.model_fields:
        if field == "service":
            continue
        names = [f"ROADBOOK_{service.upper()}_{field.upper()}"]
        if field not in PER_SERVICE:
            names.append(f"ROADBOOK_{field.upper()}")
        for name in names:
            value = _read(name, environ)
            if value is not None:
                given[field] = value
                break
    return given


def _read(name: str, environ: Mapping[str, str]) -> str | None:
    """An empty variable counts as unset: that is what compose files write for one that has no value."""
    value, file = environ.get(name) or None, environ.get(f"{name}_FILE") or None
    if value is not None and file is not None:
        raise SettingsError(f"{name} and {name}_FILE are both set: keep one")
    if file is None:
        return value
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}_FILE names a file that cannot be read ({type(error).__name__})") from None


def _explain(service: str, error: ValidationError) -> str:
    """One message for all faults: names and reasons, never the value (it may be a password)."""
    lines = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        where = variable(service, str(fault["loc"][0])) if fault["loc"] else "settings"
        lines.append(f"{where}: {fault['msg'].removeprefix('Value error, ')}")
    return f"the environment of {service} is not usable: " + "; ".join(lines)


def _unfit_for_production(settings: Settings) -> list[str]:
    faults = []
    for field in ("base_url", "oidc_issuer", "oidc_audience", "oidc_jwks", "database_url", "kafka_bootstrap"):
        if not getattr(settings, field):
            faults.append(f"{variable(settings.service, field)} must be set in production")
    issuer = urlsplit(settings.oidc_issuer)
    if settings.oidc_issuer and (issuer.scheme != "https" or issuer.hostname in LOOPBACK or "roadbook" in issuer.path):
        faults.append("ROADBOOK_OIDC_ISSUER must be a real https issuer in production, not the embedded one")
    if settings.oidc_jwks.startswith("http://"):
        faults.append("ROADBOOK_OIDC_JWKS must be https or a file in production")
    secret = settings.cursor_secret.get_secret_value()
    if len(secret) < 32 or any(word in secret.lower() for word in PLACEHOLDERS):
        faults.append("ROADBOOK_CURSOR_SECRET must be at least 32 characters and no placeholder in production")
    if settings.clock != "real":
        faults.append("ROADBOOK_CLOCK must be real in production")
    return faults
