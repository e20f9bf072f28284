"""The blob store, in a folder or on S3, chosen by its address; and the only importer of obstore."""

from pathlib import Path

from models.rules.store_address import Address
from models.storage.bucket import BucketStore
from models.storage.cache import SCRATCH, Cache
from models.storage.folder import FolderStore
from models.storage.store import Blob, Store

__all__ = ["SCRATCH", "Blob", "BucketStore", "Cache", "FolderStore", "Store", "open_store"]


def open_store(address: str, cache_folder: Path, cache_bytes: int) -> Store:
    """Return the store at an address: `file:///folder` or `s3://bucket/prefix`.

    Args:
        address: As TESSERA_STORE has it.
        cache_folder: Where a store on S3 keeps copies of what was read; one in a folder needs none.
        cache_bytes: How much lies there at most.

    Raises:
        BadConfiguration: the address is wrong, the folder cannot be made, or S3's variables make no sense.
    """
    place = Address.parsed(address)
    if place.bucket is None:
        return FolderStore(place.folder)
    return BucketStore(place.bucket, place.prefix, Cache(cache_folder, cache_bytes))
