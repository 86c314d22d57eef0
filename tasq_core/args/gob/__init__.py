"""Go's encoding/gob in pure Python, both ways, with no Go and no type declarations.

    >>> from tasq_core.args import gob
    >>> gob.decode(gob.encode({"id": 7, "tags": ["a", "b"]}))
    {'id': 7, 'tags': ['a', 'b']}

`encode` and `decode` turn plain values into bytes and back, `inspect` and `describe` show a
stream with its Go types, `type_of` spells its type for `encode`, `to_json` makes a decoded
value fit for JSON, `GoType` gives an annotated field a Go type of its own.

The format is described by the documentation of Go's package encoding/gob
(https://pkg.go.dev/encoding/gob), whose sections the modules here cite.
"""

from tasq_core.args.gob.classes import GoType
from tasq_core.args.gob.describe import GoValue, describe, inspect, to_json
from tasq_core.args.gob.encoder import encode
from tasq_core.args.gob.spelling import type_of
from tasq_core.args.gob.stream import decode

__all__ = ["GoType", "GoValue", "decode", "describe", "encode", "inspect", "to_json", "type_of"]
