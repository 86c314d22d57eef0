"""A claim without an answer: what it may have brought is released before anything else."""

from time import monotonic
from typing import TYPE_CHECKING, Final

from tasq_core.consumer.backoff import Reconnect
from tasq_core.consumer.consumer_log import ConsumerLog
from tasq_core.errors import ClaimUnansweredError, ClientClosedError, RepositoryError
from tasq_core.repository.protocol import Repository

if TYPE_CHECKING:
    from tasq_core.reports import Lease

_SHORTEST_PAUSE: Final = 0.05
"""Seconds between two attempts where the waiting for an answer was pause enough."""


class UnansweredClaim:
    """The doubt about one claim, from its error until a later claim is answered.

    While there is doubt nothing is claimed. Once it is settled one task at a time is: a stall,
    say of a synchronous standby, then costs one lease rather than a batch, again and again.
    One line is logged at the beginning and one at the end, however long it lasts.
    """

    def __init__(self, repository: Repository, log: ConsumerLog) -> None:
        self._repository = repository
        self._log = log
        self._leases: tuple[Lease, ...] = ()
        self._released = 0
        self._reconnect = Reconnect()
        self.probing = False
        """Whether to claim one task only."""

    @property
    def open(self) -> bool:
        """Whether leases may be held that nobody knows of."""
        return bool(self._leases)

    def begin(self, error: ClaimUnansweredError, asked: float) -> float:
        """Take in a claim that got no answer; the seconds to wait.

        Args:
            error: with the leases of the claim.
            asked: the monotonic time at which it was sent.
        """
        if not self.probing:
            self._log.claim_unanswered(len(error.leases), error)
            self._released = 0
        self.probing = True
        self._leases = error.leases
        return self._pause(asked)

    def settle(self) -> float:
        """Release what the claim may have brought; the seconds to wait before going on.

        Fenced by the leases: what was never claimed, or is another's by now, is left alone.
        """
        asked = monotonic()
        try:
            self._released += len(self._repository.release_leases(self._leases))
        except ClientClosedError:
            raise
        except RepositoryError as error:
            self._log.still_unanswered(error)
            return self._pause(asked)
        self._leases = ()
        return 0.0

    def answered(self) -> None:
        """A claim brought tasks: the doubt is over."""
        if self.probing:
            self.probing = False
            self._reconnect.reset()
            self._log.claims_answered(self._released)

    def _pause(self, asked: float) -> float:
        """The backoff, less what was spent waiting: an answer may come at any moment now."""
        return max(_SHORTEST_PAUSE, self._reconnect.next() - (monotonic() - asked))
