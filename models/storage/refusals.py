"""What a store's refusals mean. obstore hands the system's errors, and S3's answers, on as text only."""

import re

from models.errors import BlobMissing, StorageFull, StorageUnreachable, StorageUnreadable, TesseraError, is_full

FULL = ("no space left", "quota exceeded", "quotaexceeded", "file too large", "storagefull", "insufficient storage")
"""Of a disk, of MinIO and of its kin. Source: errno.h; MinIO, cmd/api-errors.go."""
UNANSWERED = re.compile(r"error sending request|kind: (Connect|Timeout)|status code: 5\d\d|operation timed out")
NO_KEYS = re.compile(r"/latest/(api/token|meta-data)")
"""Without keys obstore asks the machine's metadata service, which only a rented machine has. Source: Amazon EC2 User
Guide, Use the Instance Metadata Service."""
REFUSED_KEYS = re.compile(r"status code: 40[13]\b")
"""Of some questions obstore makes an error of its own kind, of others, as of a list, none."""
UNSPEAKABLE = re.compile(r"object with invalid path: .*?Path (\".*?\")", re.DOTALL)
"""What obstore says of a listing with such a key in it; it gives up the others too."""
SYSTEM_ERROR = re.compile(r": ([^:\n]+) \(os error \d+\)")
"""How Rust's standard library writes an error of the system; its name is before the number."""
S3_CODE = re.compile(r"<Code>(\w+)</Code>")
"""Source: Amazon S3 API Reference, Error Responses."""


def by_folder(error: Exception, key: str) -> TesseraError:
    """Return what a folder's refusal means."""
    if _is_full(error):
        return StorageFull("There is no room left to store this; free some space and try again.")
    if isinstance(error, FileNotFoundError):
        return BlobMissing(f"The store holds nothing under {key!r}.")
    told = SYSTEM_ERROR.search(str(error))
    reason = told[1] if told else getattr(error, "strerror", None) or type(error).__name__
    return StorageUnreadable(f"The store refused {key!r}: {reason}.")


def by_bucket(error: Exception, key: str, bucket: str, endpoint: str) -> TesseraError:
    """Return what S3's refusal means, and what to do about it."""
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
