"""Ids of tasks: random, but in neighbourhoods; made without the checks of `uuid.UUID(…)`."""

from os import urandom
from time import time
from typing import Final
from uuid import UUID, SafeUUID

_new: Final = object.__new__
_set_number: Final = vars(UUID)["int"].__set__  # its slots, behind the back of its __setattr__
_set_safety: Final = vars(UUID)["is_safe"].__set__

_FREE: Final = ~(0xF000 << 64 | 0xC000 << 48)
_VERSION_8: Final = 0x8000 << 64 | 0x8000 << 48
"""RFC 9562, section 5.8: the version and the variant; what the other bits are is up to us."""


def uuid_of(data: bytes) -> UUID:
    """The UUID of 16 big-endian bytes."""
    return _uuid(int.from_bytes(data))


def new_id() -> UUID:
    """A UUID, version 8: one byte that changes every 64 seconds, and 114 random bits.

    Tasks made at about the same time are neighbours in the primary key's index, so that a
    batch touches a few of its pages instead of as many as it has tasks. The byte comes round
    again after 4.5 hours: the next six digits tell tasks apart at a glance, which those of
    version 7 would not.
    """
    place = (int(time()) >> 6 & 0xFF) << 120
    return _uuid((int.from_bytes(urandom(15)) | place) & _FREE | _VERSION_8)


def _uuid(number: int) -> UUID:
    found = _new(UUID)
    _set_number(found, number)
    _set_safety(found, SafeUUID.unknown)
    return found
