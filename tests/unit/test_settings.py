"""What an installation may choose."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from models import settings
from models.errors import BadConfiguration

SECRET = "0123456789abcdef-the-secret"
TOKEN = "fedcba9876543210-the-token"
SERVER = {
    "DATABASE_URL": "postgresql://tessera@db/tessera",
    "REDIS_URL": "redis://redis:6379/0",
    "STORE": "file:///srv/tessera",
    "ACCESS_TOKEN": TOKEN,
    "SECRET_KEY": SECRET,
}


@pytest.fixture
def load(monkeypatch):
    """Load the settings from an environment of a server and some changes; None takes a variable away."""
    for name in [name for name in settings.Settings.model_fields if name]:
        monkeypatch.delenv(f"TESSERA_{name.upper()}", raising=False)

    def with_changes(**changes):
        for name, value in (SERVER | changes).items():
            if value is not None:
                monkeypatch.setenv(f"TESSERA_{name}", value)
        return settings.load()

    return with_changes


def test_a_servers_environment_is_read(load):
    loaded = load()
    assert (loaded.mode, loaded.database_url, loaded.redis_url) == (
        "server", "postgresql://tessera@db/tessera", "redis://redis:6379/0",
    )  # fmt: skip


@pytest.mark.parametrize("store", ["file:///srv/tessera", "s3://bucket", "s3://my.bucket-1/a/prefix/"])
def test_the_store_is_a_folder_or_a_part_of_a_bucket(load, store):
    assert load(STORE=store).store == store


def test_hosts_are_parted_by_commas_and_blanks(load):
    assert load(TRUSTED_HOSTS="a.example, b.example  c.example,").trusted_hosts == (
        "a.example", "b.example", "c.example",
    )  # fmt: skip


def test_no_hosts_are_no_hosts(load):
    assert load(TRUSTED_HOSTS="").trusted_hosts == ()


def test_the_span_of_a_lease_is_in_seconds(load):
    assert load(LEASE_SECONDS="1.5").lease_span == timedelta(seconds=1.5)


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "STORE"])
def test_what_is_missing_is_named(load, name):
    with pytest.raises(BadConfiguration, match=f"set TESSERA_{name}$"):
        load(**{name: None})


def test_all_that_is_missing_is_named_at_once(load):
    with pytest.raises(BadConfiguration, match="set TESSERA_DATABASE_URL, TESSERA_REDIS_URL, TESSERA_STORE"):
        load(DATABASE_URL=None, REDIS_URL=None, STORE=None)


@pytest.mark.parametrize("name", ["SECRET_KEY", "ACCESS_TOKEN"])
@pytest.mark.parametrize("value", [None, "", "fifteen-letters"])
def test_a_server_without_a_long_secret_refuses_to_start(load, name, value):
    with pytest.raises(BadConfiguration, match=f"TESSERA_{name} must be set to at least 16 characters"):
        load(**{name: value})


def test_a_secret_of_sixteen_letters_is_long_enough(load):
    assert load(SECRET_KEY="exactly-16-chars").secret_key.get_secret_value() == "exactly-16-chars"


def test_embedded_mode_needs_no_access_token(load):
    assert load(MODE="embedded", ACCESS_TOKEN=None).access_token.get_secret_value() == ""


def test_embedded_mode_needs_a_secret_key_all_the_same(load):
    with pytest.raises(BadConfiguration, match="TESSERA_SECRET_KEY"):
        load(MODE="embedded", SECRET_KEY=None)


@pytest.mark.parametrize(
    "store",
    ["/srv/tessera", "file://srv/tessera", "s3://", "s3://b", "s3:///prefix", "s3://B_ucket", "s3://bucket/../x"],
)
def test_a_store_that_is_neither_folder_nor_bucket_is_refused(load, store):
    sentence = (
        "TESSERA_STORE must be a folder such as file:///srv/tessera or a bucket such as s3://bucket/prefix, not"
    )
    with pytest.raises(BadConfiguration, match=f"{sentence} '{re.escape(store)}'"):
        load(STORE=store)


def test_keys_in_the_address_of_a_store_are_refused_and_not_shown(load):
    with pytest.raises(BadConfiguration, match="not an address with keys in it") as refused:
        load(STORE=f"s3://name:{SECRET}@bucket")
    assert SECRET not in str(refused.value)


def test_the_cache_lies_where_the_setting_says(load):
    assert load(CACHE="/var/cache/tessera").cache_folder == Path("/var/cache/tessera")


def test_the_cache_lies_in_the_users_cache_folder_by_itself(load, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/somebody/.cache")
    assert load().cache_folder == Path("/home/somebody/.cache/tessera/blobs")


def test_a_cache_without_a_whole_path_is_refused(load):
    with pytest.raises(
        BadConfiguration, match="TESSERA_CACHE must be a whole path such as /var/cache/tessera, not 'x'"
    ):
        load(CACHE="x")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODE", "cloud"),
        ("LOG_LEVEL", "LOUD"),
        ("LEASE_SECONDS", "0"),
        ("LEASE_SECONDS", "soon"),
        ("MAX_ATTEMPTS", "0"),
        ("MAX_UPLOAD_BYTES", "-1"),
        ("MAX_PHOTOS", "many"),
        ("SECURE_COOKIES", "perhaps"),
    ],
)
def test_a_wrong_value_is_named_by_its_variable(load, name, value):
    with pytest.raises(BadConfiguration, match=f"^TESSERA_{name}: Input should be"):
        load(**{name: value})


def test_no_error_shows_a_secret(load):
    with pytest.raises(BadConfiguration) as refused:
        load(MODE="cloud", LEASE_SECONDS="0", STORE="nowhere")
    assert (TOKEN in str(refused.value), SECRET in str(refused.value)) == (False, False)


def test_settings_do_not_show_their_secrets(load):
    shown = repr(load())
    assert (TOKEN in shown, SECRET in shown) == (False, False)


def test_settings_cannot_be_changed(load):
    with pytest.raises(ValidationError):
        load().max_attempts = 9
