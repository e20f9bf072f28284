"""One frozen Settings, read from the environment in one place."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from models.errors import BadConfiguration
from models.rules.order_words import MAX_CELLS, MAX_MOSAIC_PIXELS, Limits
from models.rules.store_address import Address

MIN_SECRET_LENGTH = 16


class Settings(BaseSettings):
    """The settings of an installation. Each is the environment variable `TESSERA_` + the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="TESSERA_", frozen=True, extra="ignore")

    mode: Literal["server", "embedded"] = "server"
    database_url: str = ""
    redis_url: str = ""
    store: str = ""
    cache: str = ""
    cache_bytes: int = Field(1 << 30, ge=0)
    access_token: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    old_secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    trusted_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    secure_cookies: bool = True
    demo_archive: str = ""

    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    lease_seconds: float = Field(30, gt=0)
    beat_seconds: float = Field(1, gt=0)
    sweep_seconds: float = Field(5, gt=0)
    ring_again_seconds: float = Field(30, gt=0)
    litter_seconds: float = Field(600, gt=0)
    litter_grace_seconds: float = Field(3_600, ge=0)
    litter_share: float = Field(0.1, ge=0, le=1)
    litter_floor: int = Field(10, ge=0)
    store_trash_days: float = Field(7, ge=0)
    undo_days: float = Field(30, ge=0, le=36_500)
    max_attempts: int = Field(3, ge=1)
    job_seconds: int = Field(3_600, ge=1)
    kill_seconds: int = Field(60, ge=1)
    finish_seconds: float = Field(5, ge=0)
    decode_seconds: float = Field(30, gt=0)
    decode_bytes: int = Field(2 << 30, ge=64 << 20)
    part_photos: int = Field(250, ge=1, le=10_000)
    tile_edge: int = Field(1_024, ge=64, le=8_192)

    max_upload_bytes: int = Field(4 << 30, ge=1)
    max_picture_bytes: int = Field(256 << 20, ge=1)
    max_photos: int = Field(100_000, ge=1)
    max_targets: int = Field(1_000, ge=1)
    max_drafts: int = Field(200, ge=1)
    max_intakes: int = Field(100, ge=1)
    max_intake_bytes: int = Field(64 << 30, ge=1)
    intake_hours: float = Field(24, ge=0.01, le=8_760)
    max_form_parts: int = Field(10_000, ge=1)
    max_cells: int = Field(250_000, ge=1, le=MAX_CELLS)
    max_mosaic_pixels: int = Field(1_000_000_000, ge=1, le=MAX_MOSAIC_PIXELS)

    @field_validator("trusted_hosts", "old_secret_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, value.replace(",", " ").split())) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        named = {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url, "STORE": self.store}
        missing = [name for name, value in named.items() if not value]
        if missing:
            raise ValueError("set " + ", ".join(f"TESSERA_{name}" for name in missing))
        try:
            Address.parsed(self.store)
        except BadConfiguration as error:
            raise ValueError(str(error)) from None
        if self.cache and not Path(self.cache).is_absolute():
            raise ValueError(f"TESSERA_CACHE must be a whole path such as /var/cache/tessera, not {self.cache!r}")
        secrets = [("SECRET_KEY", self.secret_key), *(("OLD_SECRET_KEYS", key) for key in self.old_secret_keys)]
        if self.mode == "server":
            secrets.append(("ACCESS_TOKEN", self.access_token))
        for name, secret in secrets:
            if len(secret.get_secret_value()) < MIN_SECRET_LENGTH:
                raise ValueError(
                    f"TESSERA_{name} must be set to at least {MIN_SECRET_LENGTH} characters that nobody can guess, "
                    "for instance by: openssl rand -hex 32"
                )
        return self

    @property
    def lease_span(self) -> timedelta:
        """How long a lease holds without a beat."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def limits(self) -> Limits:
        """How large a mosaic may be ordered."""
        return Limits(self.max_cells, self.max_mosaic_pixels)

    @property
    def undo_span(self) -> timedelta:
        """How long removed photos and deleted tile sets stay in the trash."""
        return timedelta(days=self.undo_days)

    @property
    def garbage_span(self) -> timedelta:
        """How long a blob that nothing needs is in the store, or in its trash, at most, and some days to spare."""
        return timedelta(days=self.store_trash_days + 2, seconds=self.litter_grace_seconds + self.litter_seconds)

    @property
    def intake_span(self) -> timedelta:
        """How long an intake stays open after the last file, or piece of one, was sent to it."""
        return timedelta(hours=self.intake_hours)

    @property
    def cache_folder(self) -> Path:
        """Where copies of blobs lie when the store is on S3."""
        return Path(self.cache) if self.cache else platformdirs.user_cache_path("tessera") / "blobs"


def load(**fixed: Any) -> Settings:
    """Read the settings from the environment, except those that are given.

    Raises:
        BadConfiguration: a setting is missing or wrong; the sentence names it and never shows a secret.
    """
    try:
        return Settings(**fixed)
    except ValidationError as error:
        raise BadConfiguration(
            "; ".join(_sentence(detail["loc"], detail["msg"]) for detail in error.errors())
        ) from None


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    reason = message.removeprefix("Value error, ")
    return f"TESSERA_{str(place[0]).upper()}: {reason}" if place else reason
