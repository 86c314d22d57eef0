"""What a repository and its views have in common."""

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:
    from tasq_core.repository.joining import Place


class Shared:
    """One for a repository and all of its views."""

    def __init__(self) -> None:
        self.closed = False
        self.place: Place | None = None
        """Where our own connections lead, once that was asked for."""
        self.joined: WeakSet[Any] = WeakSet()
        """Connections of the caller's that were found to lead there too."""
