"""Batches bounded by bytes as well as by rows, so that no batch grows with what it holds."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar
from uuid import UUID

from tasq_core.reports import Outcome
from tasq_core.repository.protocol import Repository

T = TypeVar("T")

STATEMENT_BYTES: Final = 512 * 1024
"""Text in one statement: quoted at its worst, a quarter of MariaDB's max_allowed_packet."""

READ_BYTES: Final = 4 * 1024 * 1024
"""Arguments and errors read at a time."""


def by_size(items: Iterable[T], size_of: Callable[[T], int], limit: int) -> Iterator[list[T]]:
    """`items` in order, in lists whose sizes add up to `limit` at most, or of one item."""
    batch: list[T] = []
    total = 0
    for item in items:
        size = size_of(item)
        if batch and total + size > limit:
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += size
    if batch:
        yield batch


def outcome_batches(outcomes: Iterable[Outcome]) -> Iterator[list[Outcome]]:
    """`outcomes` in order, in lists whose errors fit into one statement."""
    return by_size(outcomes, lambda outcome: len((outcome.error or "").encode()), STATEMENT_BYTES)


def id_batches(repository: Repository, ids: Sequence[UUID]) -> Iterator[list[UUID]]:
    """`ids` in order, in lists whose tasks take up to four megabytes, or of one task."""
    sizes = repository.sizes(ids)
    return by_size(ids, lambda id: sizes.get(id, 0), READ_BYTES)
