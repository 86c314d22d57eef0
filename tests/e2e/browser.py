"""A headless Chromium, driven over its DevTools protocol."""

import asyncio
import base64
import itertools
from asyncio.subprocess import DEVNULL
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import aiohttp

from tests.support import require
from tests.support.wait import wait_until

_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--remote-debugging-port=0", "--window-size=1000,640",
)  # fmt: skip
_DEADLINE_SECONDS = 30


class Browser:
    """One page; `requested` are the addresses it asked for and was let, `received` what WebSockets brought."""

    def __init__(self) -> None:
        self.requested: dict[str, str] = {}
        self.received = ""
        self._news = asyncio.Condition()
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Self:
        program = require.program("chromium")
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(ignore_cleanup_errors=True)))
            process = await asyncio.create_subprocess_exec(
                program, *_FLAGS, f"--user-data-dir={folder}", "about:blank",
                stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL,
            )  # fmt: skip
            stack.push_async_callback(process.wait)
            stack.callback(process.kill)
            port = await asyncio.to_thread(wait_until, partial(_port, folder), _DEADLINE_SECONDS)
            http = await stack.enter_async_context(aiohttp.ClientSession())
            async with http.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = await answer.json(content_type=None)
            address = next(p["webSocketDebuggerUrl"] for p in pages if p["type"] == "page")
            self._tools = await stack.enter_async_context(http.ws_connect(address, max_msg_size=0))
            stack.callback(asyncio.create_task(self._listen()).cancel)
            for domain in ("Page", "Runtime", "Network"):
                await self.call(f"{domain}.enable")
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to one command of the protocol."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._tools.send_json({"id": number, "method": method, "params": params})
        return await asyncio.wait_for(answer, _DEADLINE_SECONDS)

    async def press(self, key: str) -> None:
        """Press a key that is a character."""
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=key, key=key)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def click(self, x: int, y: int) -> None:
        """Click at a place, in pixels."""
        for kind in ("mousePressed", "mouseReleased"):
            await self.call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    async def screenshot(self) -> bytes:
        """What it shows, as PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])

    async def receives(self, text: str) -> None:
        """Wait until the WebSocket has brought `text`."""
        async with asyncio.timeout(_DEADLINE_SECONDS), self._news:
            await self._news.wait_for(lambda: text in self.received)

    async def _listen(self) -> None:
        async for message in self._tools:
            told = message.json()
            if (answer := self._answers.pop(told.get("id", 0), None)) is not None:
                answer.set_result(told.get("result", {}))
            elif told.get("method") == "Network.requestWillBeSent":
                self.requested[told["params"]["requestId"]] = told["params"]["request"]["url"]
            elif told.get("method") == "Network.loadingFailed":
                if told["params"].get("blockedReason") == "csp":
                    self.requested.pop(told["params"]["requestId"], None)
            elif told.get("method") == "Network.webSocketFrameReceived":
                frame = told["params"]["response"]
                binary = frame["opcode"] == 2
                data = frame["payloadData"]
                async with self._news:
                    self.received += (
                        base64.b64decode(data).decode(errors="replace") if binary else data
                    )
                    self._news.notify_all()


def _port(folder: Path) -> str:
    path = folder / "DevToolsActivePort"
    lines = path.read_text().splitlines() if path.exists() else []
    return lines[0] if lines else ""
