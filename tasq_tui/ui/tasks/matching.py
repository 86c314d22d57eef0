"""The tasks that match a filter: page by page, or all of them as of now."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from tasq_core.filters import Filter
from tasq_core.filters.completion import Completion
from tasq_core.repository.protocol import PageOrder, Repository
from tasq_core.task import Task
from tasq_tui.admin.selection import Selection, select_where
from tasq_tui.ui.tasks.keyset import Key

_PREVIEW: Final = 400
"""Bytes of arguments and characters of errors that the list keeps of each row."""


class Matching:
    """The pages of the tasks that match a filter."""

    def __init__(self, repository: Repository, where: Filter) -> None:
        self._repository = repository
        self._where = where

    def page(self, order: PageOrder, after: Key | None, limit: int) -> Sequence[Task]:
        """Up to `limit` rows beyond `after`; arguments and errors are cut."""
        return self._repository.page(self._where, order, after, limit, _PREVIEW)


def all_matching(
    repository: Repository, where: Filter, most: int
) -> tuple[Selection, list[UUID] | None]:
    """The tasks that match now, frozen; their ids too where there are at most `most`."""
    selection = select_where(repository, where)
    found = repository.ids(selection.where, selection.until, None, most + 1)
    return selection, None if len(found) > most else [task_id for _, task_id in found]


def saved_filters(filters: Mapping[str, str], text: str, cursor: int) -> Iterator[Completion]:
    """Those of the config file whose names begin as what is typed; they replace all of it."""
    typed = text[:cursor].strip().casefold()
    for name, where in filters.items() if typed else ():
        if name.casefold().startswith(typed):
            yield Completion(0, len(text), where, f"the filter {name}")
