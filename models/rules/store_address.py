"""The address of a store: a folder, or a bucket with a prefix."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from models.errors import BadConfiguration

FOLDER, BUCKET = "file://", "s3://"
BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""Source: Amazon S3 User Guide, General purpose bucket naming rules."""


@dataclass(frozen=True)
class Address:
    """A folder, or a bucket and the prefix of all keys in it."""

    folder: Path = Path()
    bucket: str | None = None
    prefix: str = ""

    @classmethod
    def parsed(cls, address: str) -> Self:
        """Parse `file:///folder` or `s3://bucket/prefix`.

        Raises:
            BadConfiguration: it is neither; the sentence never shows keys that are in the address.

        Example:
            >>> Address.parsed("s3://photos/tessera/").prefix
            'tessera'
        """
        if address.startswith(f"{FOLDER}/"):
            return cls(folder=Path(address.removeprefix(FOLDER)))
        bucket, _, prefix = address.removeprefix(BUCKET).partition("/")
        names = [name for name in prefix.split("/") if name]
        if address.startswith(BUCKET) and BUCKET_NAME.fullmatch(bucket) and not {".", ".."} & set(names):
            return cls(bucket=bucket, prefix="/".join(names))
        shown = "an address with keys in it" if "@" in address else repr(address)
        raise BadConfiguration(
            "TESSERA_STORE must be a folder such as file:///srv/tessera or a bucket such as s3://bucket/prefix, "
            f"not {shown}"
        )
