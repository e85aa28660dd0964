"""The seed file behind the port `Network`, and what is said when it is missing."""

from datetime import timedelta
from pathlib import Path

import pytest

from lead.settings import SeedNetwork, Settings
from roadbook.settings import SettingsError


@pytest.mark.parametrize(
    ("make", "model", "code"),
    [
        ("Volkswagen", "Lavida", "volkswagen-lavida"),
        ("VOLKSWAGEN", "  lavida ", "volkswagen-lavida"),
        ("Ｖolkswagen", "朗逸", "volkswagen-lavida"),
        (None, "朗逸", "volkswagen-lavida"),
        ("Honda", "CRV", "honda-cr-v"),
        ("Honda", "Honda CR-V", "honda-cr-v"),
        (None, "Honda Accord", "honda-accord"),
        ("Mercedes Benz", "C Class", "mercedes-benz-c-class"),
        ("Honda", "Lavida", None),
        ("Honda", "Accord EX-L V6", None),
        ("Zhang Wei", "13812345678", None),
        ("Honda", None, None),
        (None, None, None),
        ("", "", None),
    ],
)
def test_a_model_is_found_only_when_it_is_certain(
    network: SeedNetwork, make: str | None, model: str | None, code: str | None
) -> None:
    assert network.find_model(make, model) == code


def test_what_the_network_knows(network: SeedNetwork) -> None:
    assert network.rules().first_contact == timedelta(hours=24)
    assert network.rules().version == "2026-2"
    assert network.is_dealer("dealer-sh-01")
    assert not network.is_dealer("dealer-sh-99")
    assert network.is_model("toyota-corolla")
    assert not network.is_model("corolla")
    assert network.is_staff("staff-sh-01-1", "dealer-sh-01")
    assert not network.is_staff("staff-sh-01-1", "dealer-sh-02")
    assert network.is_staff("staff-sh-01-1", None)


def test_a_missing_or_broken_seed_file_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "seed.json"
    broken.write_text('{"dealers": []}')
    for path in (None, tmp_path / "none.json", broken):
        with pytest.raises(SettingsError, match="ROADBOOK_SEED_FILE"):
            SeedNetwork.read(path)


def test_the_retention_is_a_number_of_days() -> None:
    assert Settings.for_service("lead", {}).adf_retention_days == 90
    assert Settings.for_service("lead", {"ROADBOOK_ADF_RETENTION_DAYS": "30"}).adf_retention_days == 30
    with pytest.raises(SettingsError, match="ROADBOOK_ADF_RETENTION_DAYS"):
        Settings.for_service("lead", {"ROADBOOK_ADF_RETENTION_DAYS": "0"})
