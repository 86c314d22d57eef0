"""The handlers as the app knows them: one child at a time, replaced without a gap on reload."""

import threading
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, ClassVar, NamedTuple

from tasq_tui.child.parent import Child, Deliver
from tasq_tui.child.protocol import (
    AnyEvent,
    Command,
    Died,
    Error,
    Idle,
    Load,
    Loaded,
    LoadFailed,
    Running,
    Start,
    Stop,
    Stopped,
)

RETIRE_SECONDS = 10.0
"""How long a replaced child's running handlers may go on."""


class Role(Enum):
    """What a child is there for."""

    LOADING = "loading"
    """It loads the handlers that are to replace those of the serving one."""
    SERVING = "serving"
    """Commands go to it."""
    RETIRED = "retired"
    """It was replaced, and finishes what it runs."""
    DISCARDED = "discarded"
    """It never got to work, or the pool closes: how it ends doesn't matter."""
    GONE = "gone"


class Route(NamedTuple):
    """What an event of a child leads to."""

    then: Role
    """What the child is there for from now on."""
    act: "Callable[[ChildPool, Child], None] | None" = None
    show: Callable[[Any], AnyEvent | None] = lambda event: event
    """What is delivered of it."""


def _nothing(_event: AnyEvent) -> None:
    """What only concerns a child that is being replaced."""


def _load_failure(event: Died) -> LoadFailed:
    """The death of a child that was still loading."""
    return LoadFailed(
        "\n".join([f"loading the handlers: the process {event.reason}", *event.last_lines])
    )


def _failure(event: Died) -> Error | None:
    """The death of a child that was finishing its work; None where it ended well."""
    return Error(f"the old handlers' process: {event.reason}") if event.returncode else None


class ChildPool:
    """Loads handlers into a new child and retires the old one once they are there.

    Handlers that don't load leave the old child at work. `deliver` gets the events of all
    children, from a thread of each; a retired child's are those of its tasks alone.
    """

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._lock = threading.RLock()
        self._roles: dict[Child, Role] = {}
        self._load: Load | None = None
        self._start: Start | None = None

    @property
    def loaded(self) -> bool:
        """Whether there are handlers to send commands to."""
        with self._lock:
            return self._current is not None

    @property
    def pid(self) -> int | None:
        """Of the process that commands go to; None if there is none."""
        with self._lock:
            return None if self._current is None else self._current.pid

    def load(self, command: Load) -> None:
        """Load handlers into a new child; Loaded or LoadFailed tells how it went.

        Raises:
            OSError: no process can be made.
        """
        with self._lock:
            if (loading := self._one(Role.LOADING)) is not None:
                self._end(loading, Role.DISCARDED)
            self._load = command
            child = self._spawn()
            self._roles[child] = Role.LOADING
            child.send(command)

    def reload(self) -> None:
        """Load the same handlers anew, and go on consuming with them if that was going on."""
        with self._lock:
            if self._load is not None:
                self.load(self._load)

    def send(self, command: Command) -> bool:
        """Send `command` to the child whose handlers are loaded; False if there is none."""
        with self._lock:
            if (serving := self._current) is None:
                return False
            if isinstance(command, Start):
                self._start = command
            elif isinstance(command, Stop):
                self._start = None
            serving.send(command)
        return True

    def close(self, grace: float = 1.0) -> None:
        """End all children; returns within `grace` + 0.8 seconds."""
        with self._lock:
            for child, role in self._roles.items():
                if role in {Role.SERVING, Role.LOADING}:
                    self._roles[child] = Role.DISCARDED
            closing = [threading.Thread(target=child.close, args=(grace,)) for child in self._roles]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()

    @property
    def _current(self) -> Child | None:
        """The child that commands go to."""
        return self._one(Role.SERVING)

    def _one(self, role: Role) -> Child | None:
        """The child in a role that one at most has."""
        return next((child for child, its in self._roles.items() if its is role), None)

    def _spawn(self) -> Child:
        spawned: list[Child] = []
        ready = threading.Event()

        def receive(events: list[AnyEvent]) -> None:
            ready.wait()
            self._receive(spawned[0], events)

        spawned.append(Child(receive))
        ready.set()
        return spawned[0]

    def _receive(self, child: Child, events: list[AnyEvent]) -> None:
        with self._lock:
            kept = [shown for event in events if (shown := self._route(child, event))]
        if kept:
            self._deliver(kept)

    def _route(self, child: Child, event: AnyEvent) -> AnyEvent | None:
        """Act on `event`; what to show of it."""
        role = self._roles[child]
        route = self._ROUTES.get((role, type(event))) or Route(role)
        if route.act is not None:
            route.act(self, child)
        if route.then is Role.GONE:
            del self._roles[child]
        else:
            self._roles[child] = route.then
        return route.show(event)

    def _promote(self, child: Child) -> None:
        """Let the handlers just loaded go on with what those before them did."""
        if (serving := self._current) is not None:
            self._end(serving, Role.RETIRED)
        if self._start is not None:
            child.send(self._start)

    def _forget_start(self, _child: Child) -> None:
        """Nothing is consumed any more that a reload would go on with."""
        self._start = None

    def _discard(self, child: Child) -> None:
        """End a child that never got to work."""
        self._end(child, Role.DISCARDED)

    def _end(self, child: Child, role: Role) -> None:
        """End a child; one that is retired may finish its running handlers first."""
        self._roles[child] = role
        grace = RETIRE_SECONDS if role is Role.RETIRED else 0.0
        threading.Thread(target=child.close, args=(grace,), name="tasq-retire", daemon=True).start()

    _ROUTES: ClassVar[Mapping[tuple[Role, type[AnyEvent]], Route]] = {
        (Role.LOADING, Loaded): Route(Role.SERVING, _promote),
        (Role.LOADING, LoadFailed): Route(Role.DISCARDED, _discard),
        (Role.LOADING, Died): Route(Role.GONE, show=_load_failure),
        (Role.SERVING, Stopped): Route(Role.SERVING, _forget_start),
        (Role.SERVING, Died): Route(Role.GONE, _forget_start),
        (Role.RETIRED, Died): Route(Role.GONE, show=_failure),
        (Role.DISCARDED, Died): Route(Role.GONE, show=_nothing),
        (Role.RETIRED, Stopped): Route(Role.RETIRED, show=_nothing),
        (Role.RETIRED, Running): Route(Role.RETIRED, show=_nothing),
        (Role.RETIRED, Idle): Route(Role.RETIRED, show=_nothing),
        (Role.DISCARDED, Stopped): Route(Role.DISCARDED, show=_nothing),
        (Role.DISCARDED, Running): Route(Role.DISCARDED, show=_nothing),
        (Role.DISCARDED, Idle): Route(Role.DISCARDED, show=_nothing),
    }
    """By a child's role and event; what isn't here is shown, and changes nothing."""
