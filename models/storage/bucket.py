"""A store on S3, or on a server with the same protocol: MinIO, Ceph, R2."""

import io
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from models.errors import BadConfiguration, BlobMissing, TesseraError
from models.storage import refusals
from models.storage.cache import Cache
from models.storage.ranged import RangedFile
from models.storage.store import UPLOADS_AT_ONCE, Store

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

CONNECT = timedelta(seconds=5)
SILENCE = timedelta(seconds=15)
"""How long to wait for the next byte. A piece of 5 MiB must be sent within this time too."""
TRY_AGAIN = timedelta(seconds=20)
"""For how long a request is tried again, counted from its start. With the above, nobody waits longer than 35 s."""
LONGEST_REQUEST = timedelta(hours=1)
"""obstore's default of 30 s would cut off a large piece on a slow line, even if it arrives steadily."""
COPIES_AT_ONCE = 16
LARGEST_COPY_BYTES = 5 << 30
"""Source: Amazon S3 API Reference, CopyObject."""
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
AMAZON = "Amazon's own endpoint"


class BucketStore(Store):
    """Blobs in a bucket, with a cache on this machine. Endpoint and keys come from the usual AWS variables.

    The bucket's name is in the path of the URL, as MinIO and others need it.
    """

    is_local = False

    def __init__(
        self,
        bucket: str,
        prefix: str,
        cache: Cache,
        *,
        silence: timedelta = SILENCE,
        try_again: timedelta = TRY_AGAIN,
    ) -> None:
        self._bucket, self._prefix, self._cache = bucket, prefix, cache
        self._endpoint = next(filter(None, map(os.environ.get, ENDPOINTS)), AMAZON).rpartition("@")[2]
        retries: RetryConfig = {
            "max_retries": 1_000,
            "retry_timeout": try_again,
            "backoff": {
                "init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2,
            },
        }  # fmt: skip
        try:
            blobs = S3Store(bucket, prefix=prefix or None, client_options=self._client(silence), retry_config=retries)
        except (BaseError, ValueError) as error:
            raise BadConfiguration(f"S3 cannot be set up: {str(error).splitlines()[0]}") from error
        super().__init__(blobs)

    def fetched(self, key: str) -> bytes:
        """Return the bytes under a key whose bytes never change, from the cache if they are there."""
        return self._cache.read(self._name(key), lambda: self.get(key))

    def path(self, key: str) -> Path:
        """Return a file of the cache, or a temporary file if the cache cannot be used."""
        return self._cache.path(self._name(key), lambda: self.stream(key))

    def open(self, key: str) -> IO[bytes]:
        """Return a seekable reader that fetches ranges."""
        return io.BufferedReader(RangedFile(self.size(key), lambda start, length: self.get_range(key, start, length)))

    def delete(self, keys: Sequence[str]) -> None:
        """Delete blobs, a thousand in each request."""
        with self._asking(keys[0] if keys else ""):
            obstore.delete(self._blobs, keys)

    def move(self, keys: Mapping[str, str]) -> Sequence[str]:
        """Copy blobs, several at once, and then delete the old ones."""
        with ThreadPoolExecutor(COPIES_AT_ONCE) as pool:
            copied = list(pool.map(self._copied, keys, keys.values()))
        moved = [key for key, there in zip(keys, copied, strict=True) if there]
        self.delete(moved)
        return moved

    def _copied(self, key: str, new: str) -> bool:
        """Copy a blob to a free key; through this process if it is too large for S3. False if it cannot be copied."""
        try:
            if self.holds(new):
                return False
            if self.size(key) > LARGEST_COPY_BYTES:
                self._carry(key, new)
            else:
                with self._asking(key):
                    obstore.copy(self._blobs, key, new)
        except BlobMissing:
            return False
        return True

    def _carry(self, key: str, new: str) -> None:
        """Send the bytes of a blob to another key, in pieces, of which only a few are in memory."""
        with ThreadPoolExecutor(1) as elsewhere:
            # obstore reads the file on one of its own threads, where it cannot make another request.
            def fetch(start: int, length: int) -> bytes:
                return elsewhere.submit(self.get_range, key, start, length).result()

            with io.BufferedReader(RangedFile(self.size(key), fetch)) as file, self._asking(key):
                obstore.put(self._blobs, new, file, max_concurrency=UPLOADS_AT_ONCE)

    def drop_unfinished(self, before: datetime, is_ours: Callable[[str], bool]) -> int:
        """Return 0: unfinished uploads are removed by a lifecycle rule of the bucket."""
        return 0

    def free_bytes(self) -> None:
        """Return None: a bucket does not say how much room it has."""

    def _client(self, silence: timedelta) -> "ClientConfig":
        client: ClientConfig = {
            "connect_timeout": CONNECT, "read_timeout": silence, "timeout": LONGEST_REQUEST,
            "allow_http": self._endpoint.startswith("http://"),
        }  # fmt: skip
        if bundle := os.environ.get("AWS_CA_BUNDLE"):
            try:
                client["root_certificate"] = Path(bundle).read_bytes()
            except OSError as error:
                raise BadConfiguration(f"AWS_CA_BUNDLE names a file that cannot be read: {bundle}") from error
        return client

    def _name(self, key: str) -> str:
        """Return a name for the cache that no other blob has, not even one in another bucket."""
        return f"{self._endpoint} {self._bucket} {self._prefix} {key}"

    def _translated(self, error: Exception, key: str) -> TesseraError:
        return refusals.by_bucket(error, key, self._bucket, self._endpoint)
