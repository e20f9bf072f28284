"""What columns of several tables share: lengths, and words of an enumeration."""

from enum import StrEnum

from sqlalchemy import Enum

NAME_LENGTH = 200
KEY_LENGTH = 200
CHANGE_LENGTH = 300
STAMP_LENGTH = 80
REQUEST_ID_LENGTH = 64


def words(kind: type[StrEnum], name: str, length: int = 20) -> Enum:
    """Return the column type of a StrEnum: its values as text, with a CHECK."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        name=name,
        length=length,
        values_callable=lambda k: [m.value for m in k],
    )
