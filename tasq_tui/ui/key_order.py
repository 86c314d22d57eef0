"""Keys that come in one burst, one after the other.

Textual hands all keys of a burst, as a slow line delivers them, to what had the focus when the
first one came: of `/` and a filter typed after it, the filter's letters would be taken as
commands. Here each key waits until the one before it has been dealt with.
"""

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App

if TYPE_CHECKING:
    from textual.message_pump import MessagePump


class KeysInOrder(App[int]):
    """An app whose every key goes to what the one before it gave the focus to."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting_keys: deque[events.Key] = deque()
        self._key_under_way = False

    async def on_event(self, event: events.Event) -> None:
        """Hold a key back while another is on its way."""
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
        elif self._key_under_way:
            self._waiting_keys.append(event)
        else:
            await self._send_key(event)

    async def _send_key(self, event: events.Key) -> None:
        self._key_under_way = True
        path: list[MessagePump] = [*(self.focused or self.screen).ancestors_with_self]
        await super().on_event(event)
        self._follow_key(path)

    def _follow_key(self, path: "list[MessagePump]") -> None:
        """Go through the queues that the key bubbles through, behind it, up to the app's own."""
        for place, pump in enumerate(path):
            rest = [*islice(path, place + 1, None)]
            if pump is self:
                break
            if pump.call_later(self._follow_key, rest):
                return
        # Twice: an action that was called may have put its change of focus into the queue.
        self.call_later(self.call_later, self._next_key)

    async def _next_key(self) -> None:
        self._key_under_way = False
        if self._waiting_keys:
            await self._send_key(self._waiting_keys.popleft())
