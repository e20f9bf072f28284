"""Translates a store's errors. obstore reports the errors of the system and the answers of S3 only as text."""

import re

from models.errors import BlobMissing, StorageFull, StorageUnreachable, StorageUnreadable, TesseraError, is_full

FULL = ("no space left", "quota exceeded", "quotaexceeded", "file too large", "storagefull", "insufficient storage")
"""What disks, MinIO and similar servers say when they are full. Source: errno.h; MinIO, cmd/api-errors.go."""
UNANSWERED = re.compile(r"error sending request|kind: (Connect|Timeout)|status code: 5\d\d|operation timed out")
NO_KEYS = re.compile(r"/latest/(api/token|meta-data)")
"""Without keys, obstore asks the metadata service, which only cloud machines have. Source: Amazon EC2 User Guide, Use
the Instance Metadata Service."""
REFUSED_KEYS = re.compile(r"status code: 40[13]\b")
"""For some requests obstore has an error type of its own, for others, such as listing, only this text."""
UNSPEAKABLE = re.compile(r"object with invalid path: .*?Path (\".*?\")", re.DOTALL)
"""What obstore says when a listing has such a key in it; then it returns none of the other keys either."""
SYSTEM_ERROR = re.compile(r": ([^:\n]+) \(os error \d+\)")
"""How Rust's standard library writes a system error; its description is before the number."""
S3_CODE = re.compile(r"<Code>(\w+)</Code>")
"""Source: Amazon S3 API Reference, Error Responses."""


def by_folder(error: Exception, key: str) -> TesseraError:
    """Return the error that a folder's error means."""
    if _is_full(error):
        return StorageFull("There is no room left to store this; free some space and try again.")
    if isinstance(error, FileNotFoundError):
        return BlobMissing(f"The store holds nothing under {key!r}.")
    found = SYSTEM_ERROR.search(str(error))
    reason = found[1] if found else getattr(error, "strerror", None) or type(error).__name__
    return StorageUnreadable(f"The store refused {key!r}: {reason}.")


def by_bucket(error: Exception, key: str, bucket: str, endpoint: str) -> TesseraError:
    """Return the error that S3's error means, with what to do about it."""
    text = str(error)
    found = S3_CODE.search(text)
    code = found.group(1) if found else type(error).__name__
    if code == "NoSuchBucket":
        return StorageUnreadable(f"There is no bucket {bucket!r} at {endpoint}; make it, or correct its name.")
    if NO_KEYS.search(text):
        return StorageUnreadable("S3 needs keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    if REFUSED_KEYS.search(text):
        return StorageUnreadable(
            f"S3 at {endpoint} refused the keys ({code}); check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and that "
            f"they may read, write, list and delete in the bucket {bucket!r}."
        )
    if not _is_full(error) and UNANSWERED.search(text):
        return StorageUnreachable(
            f"The store at {endpoint} does not answer; try again when it is up, or correct AWS_ENDPOINT_URL."
        )
    if isinstance(error, FileNotFoundError) or _is_full(error):
        return by_folder(error, key)
    named = UNSPEAKABLE.search(text)
    return StorageUnreadable(_unspeakable(bucket, named[1]) if named else f"The store refused {key!r}: {code}.")


def _unspeakable(bucket: str, key: str) -> str:
    return (
        f"The bucket {bucket!r} holds a key with an empty part or a control character, which cannot be read ({key}); "
        "rename it, or name a prefix without it."
    )


def _is_full(error: Exception) -> bool:
    text = str(error).lower()
    return is_full(error) or any(words in text for words in FULL)
