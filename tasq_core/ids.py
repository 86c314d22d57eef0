"""Ids made without the checks that take most of `uuid.UUID(…)`: one is made for every task."""

from os import urandom
from typing import Final
from uuid import UUID, SafeUUID

_new: Final = object.__new__
_set_number: Final = vars(UUID)["int"].__set__  # its slots, behind the back of its __setattr__
_set_safety: Final = vars(UUID)["is_safe"].__set__

_FREE: Final = ~(0xF000 << 64 | 0xC000 << 48)
_VERSION_4: Final = 0x4000 << 64 | 0x8000 << 48
"""RFC 9562, section 5.4: the version and the variant; all other bits are random."""


def uuid_of(data: bytes) -> UUID:
    """The UUID of 16 big-endian bytes."""
    return _uuid(int.from_bytes(data))


def random_id() -> UUID:
    """A random UUID, version 4."""
    return _uuid(int.from_bytes(urandom(16)) & _FREE | _VERSION_4)


def _uuid(number: int) -> UUID:
    found = _new(UUID)
    _set_number(found, number)
    _set_safety(found, SafeUUID.unknown)
    return found
