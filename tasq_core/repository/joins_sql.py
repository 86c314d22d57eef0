"""Work in the caller's own transaction: where it leads is checked, errors leave it usable."""

from collections.abc import Callable, Container
from contextlib import nullcontext

from tasq_core.errors import InvalidInputError, RepositoryError
from tasq_core.repository.claims_sql import SqlClaims
from tasq_core.repository.inspection_sql import Mode, R
from tasq_core.repository.joining import (
    FAMILIES,
    Joined,
    Place,
    check_place,
    innermost,
    join,
    name_of,
    place_of,
    savepoint,
)


class SqlJoins(SqlClaims):
    """Joins transactions of the caller's."""

    def _notify_soon(self) -> None:
        """Wake idle consumers of what was just committed."""

    def _joined(
        self,
        connection: object,
        work: Callable[[Joined], R],
        *,
        one: bool = True,
        wakes: bool = False,
    ) -> R:
        """Do `work` in the caller's transaction, which only the caller ends.

        Args:
            connection: what `tasq_core.repository.joining.join` takes.
            work: what to do; where it fails, what it did is undone and nothing else.
            one: whether it is one INSERT at most, which MySQL undoes by itself.
            wakes: wake idle consumers after the commit, where the library lets us know of it.

        Raises:
            InvalidInputError: nothing to join, or a connection that leads elsewhere.
            RepositoryError: as of any statement.
        """
        self._check_open()
        joined = join(connection)
        if joined.family != self._family:
            raise InvalidInputError(
                f"{name_of(connection)} is connected to {FAMILIES[joined.family]}, but this"
                f" client to {FAMILIES[self._family]}: make a client of the same database"
            )
        raw = joined.raw
        known = raw is self._driver.borrowed or _is_in(raw, self._shared.joined)
        ours = None if known else self.place()
        undoes_itself = one and self._family == "mysql"
        try:
            with nullcontext() if undoes_itself else savepoint(joined):
                if ours is not None:
                    self._check_place(connection, joined, ours)
                done = work(joined)
            if wakes:
                joined.on_commit(self._notify_soon)
        except (*joined.errors, *self._driver.errors) as error:
            raise self._translated(error) from error
        return done

    def place(self) -> Place:
        """Where this repository's own connections lead; asked for once.

        Raises:
            RepositoryError: the database can't be asked.
        """
        if self._shared.place is None:
            # A proxy in front of MySQL may send a lone SELECT elsewhere; SQLite's writing
            # connection would wait for the caller's lock.
            mode: Mode = "transaction" if self._family == "mysql" else "read"
            (row,) = self._run(lambda session: session.rows(self._sql.identity, {}), mode)
            self._shared.place = place_of(self._family, row)
        return self._shared.place

    def _check_place(self, connection: object, joined: Joined, ours: Place) -> None:
        (row,) = joined.rows(self._sql.identity, {})
        theirs = place_of(self._family, row)
        if theirs != ours:
            self._shared.place = None  # another node may serve since, or the table be a new one
            check_place(connection, theirs, self.place(), self._table)
        try:
            self._shared.joined.add(joined.raw)
        except TypeError:  # some classes can't be referred to weakly; asking them is cheap
            return

    def _translated(self, error: Exception) -> RepositoryError:
        cause = innermost(error)
        found = cause if isinstance(cause, Exception) else error
        if not isinstance(found, self._driver.errors):
            found = self._driver.adopted(found)
        return self._driver.translate(found, self._table)


def _is_in(raw: object, known: Container[object]) -> bool:
    try:
        return raw in known
    except TypeError:
        return False
