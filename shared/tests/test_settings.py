"""The environment is read once, completely, and its faults are told without its values."""

from pathlib import Path

import pytest

from roadbook.settings import DEMO_SECRET, Settings, SettingsError, variable

PRODUCTION = {
    "ROADBOOK_ENVIRONMENT": "production",
    "ROADBOOK_BASE_URL": "https://api.example.org",
    "ROADBOOK_KAFKA_BOOTSTRAP": "kafka:9092",
    "ROADBOOK_OIDC_ISSUER": "https://login.example.org",
    "ROADBOOK_OIDC_AUDIENCE": "roadbook",
    "ROADBOOK_OIDC_JWKS": "https://login.example.org/jwks",
    "ROADBOOK_LEAD_DATABASE_URL": "postgresql://lead_app:sesame@db/lead",
    "ROADBOOK_CURSOR_SECRET": "0123456789abcdef0123456789abcdef",
}


class Own(Settings):
    grace_days: int = 7


def test_defaults_are_for_development() -> None:
    settings = Settings.for_service("lead", {})
    assert (settings.environment, settings.host, settings.clock, settings.traces) == (
        "development",
        "127.0.0.1",
        "real",
        "",
    )
    assert settings.public_url == "http://127.0.0.1:8000"
    with pytest.raises(SettingsError, match="ROADBOOK_LEAD_DATABASE_URL is not set"):
        settings.dsn()
    with pytest.raises(SettingsError, match="ROADBOOK_LEAD_OWNER_DATABASE_URL is not set"):
        settings.owner_dsn()


def test_a_service_reads_its_own_and_the_shared_names() -> None:
    environ = {
        "ROADBOOK_LEAD_PORT": "8101",
        "ROADBOOK_PROJECTION_PORT": "8102",
        "ROADBOOK_LEAD_DATABASE_URL": "postgresql://a",
        "ROADBOOK_KAFKA_BOOTSTRAP": "k:9092",
        "ROADBOOK_LOG_LEVEL": "INFO",
        "ROADBOOK_LEAD_LOG_LEVEL": "DEBUG",
        "ROADBOOK_PORT": "1",
        "ROADBOOK_TRACES": "",
    }
    lead = Settings.for_service("lead", environ)
    assert (lead.port, lead.kafka_bootstrap, lead.log_level, lead.dsn()) == (8101, "k:9092", "DEBUG", "postgresql://a")
    assert Settings.for_service("projection", environ).port == 8102


def test_a_service_adds_fields() -> None:
    assert Own.for_service("lead", {"ROADBOOK_LEAD_GRACE_DAYS": "9"}).grace_days == 9
    with pytest.raises(SettingsError, match="ROADBOOK_GRACE_DAYS"):
        Own.for_service("lead", {"ROADBOOK_GRACE_DAYS": "soon"})


def test_secrets_come_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "dsn"
    secret.write_text("postgresql://user:sesame@db/lead\n")
    settings = Settings.for_service("lead", {"ROADBOOK_LEAD_DATABASE_URL_FILE": str(secret)})
    assert settings.dsn() == "postgresql://user:sesame@db/lead"
    both = {"ROADBOOK_LEAD_DATABASE_URL_FILE": str(secret), "ROADBOOK_LEAD_DATABASE_URL": "x"}
    with pytest.raises(SettingsError, match="both set"):
        Settings.for_service("lead", both)
    with pytest.raises(SettingsError, match=r"ROADBOOK_LEAD_DATABASE_URL_FILE.*FileNotFoundError"):
        Settings.for_service("lead", {"ROADBOOK_LEAD_DATABASE_URL_FILE": str(tmp_path / "none")})


def test_no_secret_is_shown() -> None:
    settings = Settings.for_service("lead", {"ROADBOOK_LEAD_DATABASE_URL": "postgresql://u:sesame@db/lead"})
    assert "sesame" not in repr(settings) + str(settings) + settings.model_dump_json()
    assert DEMO_SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROADBOOK_LEAD_PORT", "sesame"),
        ("ROADBOOK_LEAD_PORT", "70000"),
        ("ROADBOOK_TRACES", "sesame"),
        ("ROADBOOK_CLOCK", "sesame"),
        ("ROADBOOK_ENVIRONMENT", "sesame"),
        ("ROADBOOK_LOG_LEVEL", "sesame"),
        ("ROADBOOK_REPLICAS", "0"),
        ("ROADBOOK_POOL_SIZE", "sesame"),
    ],
)
def test_a_fault_names_its_variable_and_not_its_value(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.for_service("lead", {name: value})
    assert name in str(raised.value)
    assert "sesame" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.for_service("lead", {"ROADBOOK_LEAD_PORT": "x", "ROADBOOK_CLOCK": "y"})
    assert "ROADBOOK_LEAD_PORT" in str(raised.value)
    assert "ROADBOOK_CLOCK" in str(raised.value)


def test_the_ordinal_is_one_of_the_replicas() -> None:
    with pytest.raises(SettingsError, match="ROADBOOK_ORDINAL"):
        Settings.for_service("lead", {"ROADBOOK_ORDINAL": "2", "ROADBOOK_REPLICAS": "2"})


def test_production_accepts_a_complete_environment() -> None:
    assert Settings.for_service("lead", PRODUCTION).public_url == "https://api.example.org"


@pytest.mark.parametrize("name", [each for each in PRODUCTION if each != "ROADBOOK_ENVIRONMENT"])
def test_production_refuses_what_is_missing(name: str) -> None:
    environ = {key: value for key, value in PRODUCTION.items() if key != name}
    with pytest.raises(SettingsError, match=name):
        Settings.for_service("lead", environ)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROADBOOK_OIDC_ISSUER", "urn:roadbook:embedded-issuer"),
        ("ROADBOOK_OIDC_ISSUER", "http://login.example.org"),
        ("ROADBOOK_OIDC_ISSUER", "https://127.0.0.1:9000"),
        ("ROADBOOK_OIDC_JWKS", "http://login.example.org/jwks"),
        ("ROADBOOK_CURSOR_SECRET", "short"),
        ("ROADBOOK_CURSOR_SECRET", DEMO_SECRET),
        ("ROADBOOK_CLOCK", "file:/tmp/clock"),
    ],
)
def test_production_refuses_what_is_for_demonstration(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.for_service("lead", {**PRODUCTION, name: value})


def test_names_of_variables() -> None:
    assert variable("lead", "port") == "ROADBOOK_LEAD_PORT"
    assert variable("lead", "base_url") == "ROADBOOK_BASE_URL"
    with pytest.raises(SettingsError):
        Settings.for_service("Lead!", {})
