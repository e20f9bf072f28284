"""Every failure that Tessera foresees: a stable code for programs, one clear sentence for people."""

import errno
from typing import ClassVar


class TesseraError(Exception):
    """Root of all foreseen failures; `str()` is the sentence that is shown."""

    code: ClassVar[str] = "internal_error"


class InvalidOrder(TesseraError):
    """An order, or another input, that cannot be met as it stands; `field` names what to change."""

    code = "invalid_order"

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class NotFound(TesseraError):
    """There is no such thing, or it is another's."""

    code = "not_found"


class NotComparable(NotFound):
    """Two things that are there, and are not alike enough to be shown side by side."""

    code = "not_comparable"


class LinkExpired(TesseraError):
    """A link that shared a mosaic, whose time is over or that was taken back."""

    code = "link_expired"


class NotReady(TesseraError):
    """The thing exists, but its job has not succeeded."""

    code = "not_ready"


class NoPlacement(TesseraError):
    """A mosaic from before placements were kept, so no other file of it can be made."""

    code = "no_placement"


class TooManyRenditions(TesseraError):
    """A mosaic that has as many renditions as it may have."""

    code = "too_many_renditions"


class TooManyLinks(TesseraError):
    """A mosaic that has as many links that share it as it may have."""

    code = "too_many_links"


class UnusablePicture(TesseraError):
    """Bytes that were offered as a picture and cannot be used as one."""

    code = "unusable_picture"


class EmptyFile(UnusablePicture):
    """A file without a byte in it."""

    code = "empty_file"


class NotAPicture(UnusablePicture):
    """Bytes in no picture format that Tessera reads."""

    code = "not_a_picture"


class KindNotRead(UnusablePicture):
    """A picture in a format that Tessera reads, but of a kind within it that no reader here knows."""

    code = "kind_not_read"


class TruncatedPicture(UnusablePicture):
    """A picture whose end is missing."""

    code = "truncated_picture"


class UnreadCompression(UnusablePicture):
    """A file of a zip that is compressed by a method that Tessera does not read."""

    code = "unread_compression"


class DamagedPicture(UnusablePicture):
    """A picture whose header or whose pixels cannot be read."""

    code = "damaged_picture"


class TooManyPixels(UnusablePicture):
    """A picture whose header promises more pixels than the limit."""

    code = "too_many_pixels"


class TooCostly(UnusablePicture):
    """A picture that takes longer to decode than one picture may."""

    code = "too_costly"


class OwnMosaic(UnusablePicture):
    """A mosaic of Tessera's where a photo is wanted."""

    code = "own_mosaic"


class UnreadableFile(UnusablePicture):
    """A file that cannot be read, or is too large to be read."""

    code = "unreadable_file"


class UnwritableOutput(TesseraError):
    """Standard output is closed or full, or nobody reads it any more."""

    code = "unwritable_output"


class WouldOverwrite(TesseraError):
    """Writing a file would destroy what is in it."""

    code = "would_overwrite"


class PartlyFailed(TesseraError):
    """Of several mosaics some could not be made."""

    code = "partly_failed"


class NoUsableTiles(TesseraError):
    """A set in which not one photo could be used."""

    code = "no_usable_tiles"


class BadArchive(TesseraError):
    """A zip that is damaged, too large, or reaches outside itself."""

    code = "bad_archive"


class TooLarge(TesseraError):
    """An upload beyond a limit of bytes or files."""

    code = "too_large"


class TooManyIntakes(TesseraError):
    """As many files are being sent, or as many intakes are open, as may be at a time."""

    code = "too_many_intakes"


class IntakeClosed(TesseraError):
    """An intake that takes no more files: it was finished or given up, or its time ran out."""

    code = "intake_closed"


class WrongOffset(TesseraError):
    """A piece of a file that does not begin where the last one ended."""

    code = "wrong_offset"


class ChecksumMismatch(TesseraError):
    """Bytes that are others than their checksum says."""

    code = "checksum_mismatch"


class StorageFull(TesseraError):
    """No room left to write."""

    code = "storage_full"


def is_full(error: BaseException) -> bool:
    """Whether the system says that a disk or a quota is used up."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StorageUnreadable(TesseraError):
    """The store refused, or does not hold what a row names."""

    code = "storage_unreadable"


class BlobMissing(StorageUnreadable):
    """There is nothing under a key."""


class StorageUnreachable(StorageUnreadable):
    """The store does not answer; it may later."""

    code = "storage_unreachable"


class StoreOfAnother(TesseraError):
    """The store belongs to another installation, whose sweep would take what is written there."""

    code = "store_of_another"


class StoreEmptied(TesseraError):
    """The store is empty, though the database knows what it held: its disk may not be mounted."""

    code = "store_emptied"


class DamagedIndex(TesseraError):
    """Stored arrays that are not an index of this version."""

    code = "damaged_index"


class DamagedPlacement(DamagedIndex):
    """The stored placement of a mosaic is damaged, or of another version."""

    code = "damaged_placement"


class OutOfTime(TesseraError):
    """A job that ran past its time limit."""

    code = "timeout"


class Crashed(TesseraError):
    """A job whose worker died, or did not renew its lease, at every attempt."""

    code = "crashed"


class LastTile(TesseraError):
    """The last photo of a tile set that mosaics can use can be neither banned nor removed."""

    code = "last_tile"


class NotRetryable(TesseraError):
    """Only what failed or was cancelled can be tried again."""

    code = "not_retryable"


class LeaseLost(TesseraError):
    """The job was cancelled, or belongs to a newer attempt: stop, write nothing more."""

    code = "lease_lost"


class QueueUnavailable(TesseraError):
    """The doorbell did not ring; the row is there all the same."""

    code = "queue_unavailable"


class NotAllowed(TesseraError):
    """The request lacks the access token, or comes from another site."""

    code = "not_allowed"


class FormExpired(TesseraError):
    """A form without a valid token: the page is old, the session is gone, or the form is another site's."""

    code = "form_expired"


class BadConfiguration(TesseraError):
    """A setting is missing or wrong; the program refuses to start."""

    code = "bad_configuration"


class BadSecretKey(BadConfiguration):
    """The file that should contain the key that signs cookies contains none."""

    code = "bad_secret_key"


class UnusableDatabase(BadConfiguration):
    """A database that this program cannot work with as it is."""

    code = "database_unusable"


class NotADatabase(UnusableDatabase):
    """A file that is damaged, or was never an SQLite database."""

    code = "not_a_database"


class ForeignDatabase(UnusableDatabase):
    """Another program's database."""

    code = "foreign_database"


class DatabaseOlder(UnusableDatabase):
    """A database that must be migrated first."""

    code = "database_older"


class DatabaseNewer(UnusableDatabase):
    """A database that a newer program has migrated."""

    code = "database_newer"


class DatabaseIncomplete(UnusableDatabase):
    """A database that lacks tables or columns of its version."""

    code = "database_incomplete"


class DatabaseEncoding(UnusableDatabase):
    """A PostgreSQL database that cannot hold every text."""

    code = "database_encoding"


class NoAnswer(TesseraError):
    """Something that an installation stands on does not answer in time."""

    code = "no_answer"


class DatabaseUnavailable(BadConfiguration):
    """The database does not answer just now."""

    code = "database_unavailable"
