"""Gob streams to plain values, without knowing their types beforehand.

A stream is messages of type definitions, then one with a value ("Encoding Details", the
grammar in Go's doc.go). What a run of definitions compiles to is cached by its bytes: the
next task of the same type pays for its value only.
"""

# ruff: noqa: PLR2004 - the numbers are the wire format's own

import os
from collections.abc import Callable
from typing import Any

from tasq_core.args.gob import limits
from tasq_core.args.gob.decoder import BUILTIN_PLAN, SENT_PLAN, Label, Plan, Run
from tasq_core.args.gob.types import BUILTIN_TYPES
from tasq_core.args.gob.wire import read_int, read_uint, trouble
from tasq_core.errors import ArgsDecodeError
from tasq_core.locks import new_lock
from tasq_core.wording import counted

_cache: dict[bytes, Plan] = {b"": BUILTIN_PLAN}
_sent_cache: dict[bytes, Plan] = {b"": SENT_PLAN}
_cache_lock = new_lock()


def _renew_lock() -> None:
    """In a forked child, which lacks the thread that may hold it."""
    global _cache_lock  # noqa: PLW0603 - a lock can't be replaced elsewhere
    _cache_lock = new_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def decode(data: bytes) -> Any:
    """The first value of the stream in `data`, plain; what follows it is ignored, as in Go.

    Structs and maps become dicts, slices and arrays lists, `[]byte` and types with an encoder
    of their own bytes, `time.Time` an aware datetime of microseconds; an invalid UTF-8 byte
    in a string becomes a surrogate, which `encode` writes back as it was. A field left out is
    its zero, or None for a struct, map, slice, array, interface or opaque type. Map keys that
    can't be hashed become tuples.

    Raises:
        ArgsDecodeError: this is not gob, is cut off, or takes more than `limits` allow; says
            at which byte and why.
    """
    return _guarded(_decode, data)


def decode_sent(data: bytes) -> Any:
    """The same with structs as `Sent`: the fields that were sent apart from those left out.

    Raises:
        ArgsDecodeError: as `decode`.
    """
    return _guarded(lambda raw: _decode(raw, _sent_cache), data)


def decode_labelled(data: bytes, label: Label) -> Any:
    """The same with `label` applied to each value, from the innermost out.

    Raises:
        ArgsDecodeError: as `decode`.
    """

    def decode_fresh(raw: bytes) -> Any:
        pos, end = _definitions_end(raw)
        plan = _define_all(raw, pos, Plan(dict(BUILTIN_TYPES), label))
        return _value(raw, pos, end, plan)

    return _guarded(decode_fresh, data)


def _guarded(decoding: Callable[[bytes], Any], data: bytes) -> Any:
    if type(data) is not bytes:
        data = bytes(memoryview(data))
    if not data:
        raise trouble(0, "there are no bytes")
    try:
        return decoding(data)
    except IndexError:
        raise trouble(len(data), "the data ends in the middle of a value") from None
    except RecursionError:
        raise ArgsDecodeError("gob: values are nested too deeply for this call stack") from None


def _decode(data: bytes, cache: dict[bytes, Plan] = _cache) -> Any:
    pos, end = _definitions_end(data)
    prefix = data[:pos]
    plan = cache.get(prefix)
    if plan is not None:
        return _value(data, pos, end, plan)
    plan = _define_all(data, pos, cache[b""])
    value = _value(data, pos, end, plan)  # first, so that only what can be read is kept
    if len(prefix) <= limits.MAX_CACHED_PREFIX_BYTES:
        plan.room = [limits.MAX_SUCCESSORS]
        with _cache_lock:
            if len(cache) >= limits.MAX_CACHED_PREFIXES:
                oldest = next(key for key in cache if key)
                del cache[oldest]
            cache[prefix] = plan
    return value


def _definitions_end(data: bytes) -> tuple[int, int]:
    """Where the message of the value starts and ends; only definitions stand before it."""
    pos = 0
    for _ in range(limits.MAX_DEFINITIONS + 1):
        end, body = _message(data, pos)
        last = body if data[body] < 128 else body + 256 - data[body]
        if not data[last] & 1:  # a negative id is a definition's
            return pos, end
        pos = end
    raise trouble(pos, f"more than {limits.MAX_DEFINITIONS} type definitions")


def _message(data: bytes, pos: int) -> tuple[int, int]:
    count, body = read_uint(data, pos)
    end = body + count
    if end > len(data):
        raise trouble(
            pos, f"a message of {counted(count, 'byte')} announced, {len(data) - body} left"
        )
    if not count:
        raise trouble(pos, "an empty message")
    return end, body


def _define_all(data: bytes, end: int, plan: Plan) -> Plan:
    run = Run(plan, 0, end)
    pos = 0
    while pos < end:
        message_end, pos = _message(data, pos)
        type_id, pos = read_int(data, pos)
        pos = run.define(data, pos, -type_id)
        if pos != message_end:
            raise trouble(pos, f"a type definition that should end at byte {message_end}")
    return run.plan


def _value(data: bytes, pos: int, end: int, plan: Plan) -> Any:
    _, pos = read_uint(data, pos)
    type_id, pos = read_int(data, pos)
    reader, alone = plan.readers.get(type_id) or plan.reader(type_id, pos)
    if alone:
        if data[pos]:
            raise trouble(pos, "a value that is not a struct must follow a zero byte")
        pos += 1
    run = Run(plan, len(data), end)
    value, pos = reader(data, pos, limits.MAX_DEPTH, run)
    if pos != run.end:
        raise trouble(pos, f"the value should end at byte {run.end}")
    return value
