"""What MySQL's statements must know of a table: its indexes, how its text compares, its server."""

from collections.abc import Mapping
from time import monotonic
from typing import Final

from tasq_core.repository.driver import Ask

_KNOWN_SECONDS: Final = 30.0
"""How long an answer holds: another process may migrate the table meanwhile."""
_ANY_TEXT: Final = "CHARACTER SET utf8mb4"


class TableFacts:
    """What `look` last learnt, which holds for half a minute."""

    def __init__(self, slots: Mapping[str, str]) -> None:
        self._tasks, self._name = slots["tasks"], slots["name"]
        self._until = 0.0
        self._indexes: frozenset[str] = frozenset()
        self._collations: dict[str, str] = {}
        self._is_mariadb = True

    def look(self, ask: Ask, dialect: str) -> None:
        """Ask the server, which is of this dialect, unless the last answer still holds."""
        if monotonic() < self._until:
            return
        indexes = ask(f"SHOW INDEX FROM {self._tasks}")
        columns = ask(f"SHOW FULL COLUMNS FROM {self._tasks}")
        self._is_mariadb = dialect == "mariadb"
        self._indexes = frozenset(row[2] for row in indexes)
        self._collations = {row[0]: row[2] for row in columns if row[2]}
        self._until = monotonic() + _KNOWN_SECONDS

    @property
    def table(self) -> str:
        """Its name, quoted."""
        return self._tasks

    def hint(self, index: str) -> str:
        """What makes a statement walk `index`; nothing on a table that wasn't migrated."""
        name = f"{self._name}_tasq_{index}"
        return f"FORCE INDEX (`{name}`)" if name in self._indexes else ""

    def head_order(self, order: str) -> str:
        """The ORDER BY of a subquery that looks up, in an index, the first row for outer values.

        MySQL reads and sorts all rows of such a lookup, which come in the index's order anyway.
        """
        return f"ORDER BY {order}" if self._is_mariadb else ""

    def text_of(self, column: str) -> str:
        """The character set and collation of a text column, as a column definition says them."""
        collation = self._collations.get(column, "")
        charset = collation.partition("_")[0]
        return f"CHARACTER SET {charset} COLLATE {collation}" if charset else _ANY_TEXT

    def forget(self) -> None:
        """Ask again at the next look: the table was changed, or a statement failed."""
        self._until = 0.0
