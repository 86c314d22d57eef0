"""How much a stream may cost: any 1 MB of bytes decodes or fails within 100 ms and 50 MB.

Every value takes at least one byte, so counts are held against the bytes that are left.
What can still grow is bounded here: containers, whose Python form is far larger than the
byte they may come from, and struct fields that were left out and are filled in.
"""

from typing import Final

MAX_DEPTH: Final = 400
"""Containers and interface values inside each other; also keeps clear of Python's own limit."""

MEMORY_FLOOR_BYTES: Final = 34_000_000
"""What the containers of a small stream may take, by `sys.getsizeof`."""

MEMORY_PER_INPUT_BYTE: Final = 34
"""The same for each byte of a stream past a million."""

CONTAINER_BYTES: Final = 200
"""The least a container is counted as: the time to make it is a cost too."""

LABEL_BYTES: Final = 500
"""What `inspect` takes besides for each value."""

DEFINITIONS_BYTES: Final = 3_000_000
"""The same for the type definitions of a stream: 10,000 struct fields and more."""

MAX_DEFINITIONS: Final = 3_000
"""Type definitions before the value."""

MAX_CACHED_PREFIX_BYTES: Final = 16_384
"""Longer type definitions are read again each time."""

MAX_CACHED_PREFIXES: Final = 256

MAX_NAME_BYTES: Final = 1024
"""The registered name of a type in an interface; Go's own limit."""

MAX_TYPE_DEPTH: Final = 100
"""Types inside types, in a `go_type`."""

MAX_SUCCESSORS: Final = 16
"""Plans kept for the types that interface values define, for each cached prefix."""

MAX_SUCCESSOR_BYTES: Final = 2_048
"""A longer definition in an interface value is read again each time."""
