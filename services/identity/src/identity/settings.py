"""Identity's settings: the kit's, the key under which numbers of documents are hashed, and since when it reacts."""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from roadbook import settings as kit
from roadbook.settings import DEMO_SECRET, PLACEHOLDERS

SHORTEST = 32


class Settings(kit.Settings):
    """`matching_secret`: the HMAC key of identity numbers; a new one needs every value read again.
    `match_batch`: references matched in one transaction."""

    matching_secret: SecretStr = SecretStr(DEMO_SECRET)
    match_batch: int = Field(default=20, ge=1, le=500)

    @model_validator(mode="after")
    def _secret_is_secret(self) -> Self:
        secret = self.matching_secret.get_secret_value()
        if self.environment == "production" and (len(secret) < SHORTEST or any(p in secret for p in PLACEHOLDERS)):
            raise ValueError(f"ROADBOOK_MATCHING_SECRET must be a secret of at least {SHORTEST} characters")
        return self
