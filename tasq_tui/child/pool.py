"""The handlers as the app knows them: one child at a time, replaced without a gap on reload."""

import threading

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


class ChildPool:
    """Loads handlers into a new child and retires the old one once they are there.

    Handlers that don't load leave the old child at work. `deliver` gets the events of all
    children, from a thread of each; a retired child's are those of its tasks alone.
    """

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._lock = threading.RLock()
        self._current: Child | None = None
        self._next: Child | None = None
        self._retired: dict[Child, bool] = {}
        """Those ending; whether it matters how."""
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
            if self._next is not None:
                self._discard(self._next)
            self._load = command
            self._next = self._spawn()
            self._next.send(command)

    def reload(self) -> None:
        """Load the same handlers anew, and go on consuming with them if that was going on."""
        with self._lock:
            if self._load is not None:
                self.load(self._load)

    def send(self, command: Command) -> bool:
        """Send `command` to the child whose handlers are loaded; False if there is none."""
        with self._lock:
            if self._current is None:
                return False
            if isinstance(command, Start):
                self._start = command
            elif isinstance(command, Stop):
                self._start = None
            self._current.send(command)
        return True

    def close(self, grace: float = 1.0) -> None:
        """End all children; returns within `grace` + 0.8 seconds."""
        with self._lock:
            self._retired.update((child, False) for child in (self._current, self._next) if child)
            self._current = self._next = None
            closing = [
                threading.Thread(target=child.close, args=(grace,)) for child in self._retired
            ]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()

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
        if child is self._next:
            return self._route_loading(child, event)
        if child is self._current:
            if isinstance(event, Stopped):
                self._start = None
            elif isinstance(event, Died):
                self._current = self._start = None
            return event
        if isinstance(event, Died) and self._retired.pop(child) and event.returncode:
            return Error(f"the old handlers' process: {event.reason}")
        return None if isinstance(event, Died | Stopped | Running | Idle) else event

    def _route_loading(self, child: Child, event: AnyEvent) -> AnyEvent | None:
        match event:
            case Loaded():
                if self._current is not None:
                    self._retire(self._current)
                self._current, self._next = child, None
                if self._start is not None:
                    child.send(self._start)
            case LoadFailed():
                self._next = None
                self._discard(child)
            case Died():
                self._next = None
                lines = "\n".join(
                    [f"loading the handlers: the process {event.reason}", *event.last_lines]
                )
                return LoadFailed(lines)
        return event

    def _retire(self, child: Child) -> None:
        """Let the child's running handlers finish."""
        self._retired[child] = True
        self._end(child, RETIRE_SECONDS)

    def _discard(self, child: Child) -> None:
        """End a child that never got to work."""
        self._retired[child] = False
        self._end(child, 0.0)

    def _end(self, child: Child, grace: float) -> None:
        threading.Thread(target=child.close, args=(grace,), name="tasq-retire", daemon=True).start()
