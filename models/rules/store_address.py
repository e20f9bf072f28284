"""Where a store is: a folder, or a part of a bucket."""

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
    """A folder, or a bucket and what all keys in it begin with."""

    folder: Path = Path()
    bucket: str | None = None
    prefix: str = ""

    @classmethod
    def parsed(cls, address: str) -> Self:
        """Read `file:///folder` or `s3://bucket/prefix`.

        Raises:
            BadConfiguration: it is neither; keys that somebody wrote into it are not shown.

        Example:
            >>> Address.parsed("s3://photos/tessera/").prefix
            'tessera'
        """
        if address.startswith(f"{FOLDER}/"):
            return cls(folder=Path(address.removeprefix(FOLDER)))
        bucket, _, prefix = address.removeprefix(BUCKET).partition("/")
        parts = [part for part in prefix.split("/") if part]
        if address.startswith(BUCKET) and BUCKET_NAME.fullmatch(bucket) and not {".", ".."} & set(parts):
            return cls(bucket=bucket, prefix="/".join(parts))
        shown = "an address with keys in it" if "@" in address else repr(address)
        raise BadConfiguration(
            "TESSERA_STORE must be a folder such as file:///srv/tessera or a bucket such as s3://bucket/prefix, "
            f"not {shown}"
        )
