"""A headless Chromium, driven over its DevTools protocol."""

import asyncio
import base64
import itertools
import shutil
import subprocess
import tempfile
from pathlib import Path
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
    """One page; `requested` are the addresses it asked for, `received` what WebSockets brought."""

    def __init__(self) -> None:
        self.requested: list[str] = []
        self.received = ""
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Self:
        self._folder = tempfile.mkdtemp(prefix="tasq-browser-")
        self._process = subprocess.Popen(
            [
                require.program("chromium"),
                *_FLAGS,
                f"--user-data-dir={self._folder}",
                "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port = await asyncio.to_thread(wait_until, self._port, _DEADLINE_SECONDS, "Chromium's port")
        self._http = aiohttp.ClientSession()
        async with self._http.get(f"http://127.0.0.1:{port}/json/list") as answer:
            page = next(page for page in await answer.json() if page["type"] == "page")
        self._tools = await self._http.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0)
        self._listening = asyncio.create_task(self._listen())
        for domain in ("Page", "Runtime", "Network"):
            await self.call(f"{domain}.enable")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        await self._tools.close()
        await self._http.close()
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to one command of the protocol."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._tools.send_json({"id": number, "method": method, "params": params})
        return await asyncio.wait_for(self._answers.pop(number), _DEADLINE_SECONDS)

    async def press(self, key: str) -> None:
        """Press a key that is a character."""
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=key, key=key)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def screenshot(self, path: Path) -> bytes:
        """What it shows, as PNG, kept at `path` too."""
        picture = base64.b64decode((await self.call("Page.captureScreenshot"))["data"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture)
        return picture

    async def receives(self, text: str) -> None:
        """Wait until the WebSocket has brought `text`."""
        async with asyncio.timeout(_DEADLINE_SECONDS):
            while text not in self.received:
                await asyncio.sleep(0.05)

    async def _listen(self) -> None:
        async for message in self._tools:
            told = message.json()
            if (answer := self._answers.get(told.get("id", 0))) is not None:
                answer.set_result(told.get("result", {}))
            elif told.get("method") == "Network.requestWillBeSent":
                self.requested.append(told["params"]["request"]["url"])
            elif told.get("method") == "Network.webSocketFrameReceived":
                frame = told["params"]["response"]
                binary = frame["opcode"] == 2
                data = frame["payloadData"]
                self.received += base64.b64decode(data).decode(errors="replace") if binary else data

    def _port(self) -> str:
        path = Path(self._folder) / "DevToolsActivePort"
        lines = path.read_text().splitlines() if path.exists() else []
        return lines[0] if lines else ""
