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
        address: The address, as in TESSERA_STORE.
        cache_folder: Where a store on S3 keeps copies of blobs; a store in a folder needs none.
        cache_bytes: The most bytes to keep there.

    Raises:
        BadConfiguration: the address is wrong, the folder cannot be made, or S3's environment variables are wrong.
    """
    place = Address.parsed(address)
    if place.bucket is None:
        return FolderStore(place.folder)
    return BucketStore(place.bucket, place.prefix, Cache(cache_folder, cache_bytes))
