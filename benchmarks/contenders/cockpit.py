"""The app without a terminal, to see what no terminal shows: how long a refresh takes."""

import asyncio
from collections.abc import Callable

from tasq_tui.admin.settings import Settings
from tasq_tui.cli.cockpit import opened_app

_WARM_UP = 5


def refreshes(url: str, prefix: str, count: int) -> list[float]:
    """Milliseconds of each refresh of the tasks in view, from the question to the last row."""
    return asyncio.run(_refreshes(Settings(url=url, prefix=prefix), count))[_WARM_UP:]


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - the poller tells nobody
        await asyncio.sleep(0.001)


async def _refreshes(settings: Settings, count: int) -> list[float]:
    found: list[float] = []
    with opened_app(settings) as app:
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("2")
            poller = app.view.poller
            while len(found) < count + _WARM_UP:
                before = poller.seconds
                poller.wake()
                await _until(lambda before=before: poller.seconds != before)
                found.append(poller.seconds * 1000)
    return found
