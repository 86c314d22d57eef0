"""Keys that come in one burst, one after the other.

Textual hands all keys of a burst, as a slow line delivers them, to what had the focus when the
first one came: of `/` and a filter typed after it, the filter's letters would be taken as
commands. Here each key waits until the one before it has been dealt with.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from textual import events
from textual.app import App

if TYPE_CHECKING:
    from textual.message_pump import MessagePump
    from textual.timer import Timer

Done = Callable[[], Awaitable[None]]


_DEADLINE_SECONDS: Final = 1.0
"""A key that takes longer to be dealt with holds up the others no more."""


class KeysInOrder(App[int]):
    """An app whose every key goes to what the one before it gave the focus to."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting_keys: deque[events.Key] = deque()
        self._sent_keys = 0
        self._deadline: Timer | None = None
        """Runs out while a key is on its way."""

    async def on_event(self, event: events.Event) -> None:
        """Hold a key back while another is on its way."""
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
        elif self._deadline is not None:
            self._waiting_keys.append(event)
        else:
            await self._send_key(event)

    async def _send_key(self, event: events.Key) -> None:
        self._sent_keys += 1
        done = partial(self._next_key, self._sent_keys)
        self._deadline = self.set_timer(_DEADLINE_SECONDS, done)
        path: list[MessagePump] = [*(self.focused or self.screen).ancestors_with_self]
        await super().on_event(event)
        self._follow_key(path, done)

    def _follow_key(self, path: "list[MessagePump]", done: Done) -> None:
        """Go through the queues that the key bubbles through, behind it, up to the app's own."""
        for place, pump in enumerate(path):
            if pump is not self and pump.call_later(self._follow_key, path[place + 1 :], done):
                return
        # Twice: an action that was called may have put its change of focus into the queue.
        self.call_later(self.call_later, done)

    async def _next_key(self, number: int) -> None:
        if number != self._sent_keys or self._deadline is None:
            return  # the deadline came before
        self._deadline.stop()
        self._deadline = None
        if self._waiting_keys:
            await self._send_key(self._waiting_keys.popleft())
