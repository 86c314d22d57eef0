"""`tasq serve`: the app in a browser, for this machine's own page alone."""

import asyncio
import socket
import subprocess
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.e2e.browser import Browser
from tests.e2e.cockpit import ARTEFACTS, TASQ
from tests.support.databases import Database
from tests.support.processes import clean_environment

pytest.importorskip("textual_serve")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def database(tmp_path):
    database = Database("sqlite", f"sqlite:///{tmp_path}/shop.db", prefix="")
    client = database.client()
    client.migrate()
    client.new_producer().submit("email", {"to": "ada@example.org"})
    yield database
    database.close()


@pytest.fixture
def serve(database, start_process):
    """Starts the server; its address."""

    def start(*options):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        process = start_process(
            *TASQ, "serve", "--url", database.url, "--listen", f":{port}", *options
        )
        process.wait_for_output("Ctrl+C stops")
        return f"http://127.0.0.1:{port}"

    return start


def keep(name, picture):
    """Keep a picture as an artefact."""
    folder = ARTEFACTS / "serve"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(picture)


async def answered(http, address, **options):
    """The answer's status and headers, once the server is up."""
    async with asyncio.timeout(20):
        while True:
            try:
                async with http.get(address, allow_redirects=False, **options) as answer:
                    return answer.status, answer.headers
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.05)


async def app_says(http, address, text, *, press="", origin=None):
    """Open the app as its page does, press keys, wait until it paints `text`; all it painted."""
    painted = ""
    headers = {"Origin": origin or address}
    async with http.ws_connect(f"{address}/ws?width=100&height=30", headers=headers) as app:
        await app.send_json(["resize", {"width": 100, "height": 30}])
        async with asyncio.timeout(30):
            async for message in app:
                data = message.data
                painted += data.decode(errors="replace") if isinstance(data, bytes) else data
                if press and "Overview" in painted:
                    await app.send_json(["stdin", press])
                    press = ""
                if text in painted:
                    return painted
    raise AssertionError(f"no {text!r} in what was painted: {painted[-2000:]}")


async def test_a_browser_shows_the_app_and_its_keys_work_there(serve):
    address = serve()
    async with Browser() as browser, aiohttp.ClientSession() as http:
        await answered(http, address)
        await browser.call("Page.navigate", url=address)
        await browser.receives("Overview")
        keep("overview.png", await browser.screenshot())
        await browser.click(500, 430)
        await browser.press("2")
        await browser.receives("newest first")
        keep("tasks.png", await browser.screenshot())

    assert " RO " in browser.received
    assert {urlsplit(url).netloc for url in browser.requested.values()} - {""} == {
        urlsplit(address).netloc
    }


async def test_the_app_is_read_only_unless_told_otherwise(serve):
    address = serve()
    async with aiohttp.ClientSession() as http:
        await answered(http, address)
        assert " RO " in await app_says(http, address, "newest first", press="2")
    address = serve("--writable")
    async with aiohttp.ClientSession() as http:
        await answered(http, address)
        assert " RO " not in await app_says(http, address, "newest first", press="2")


async def test_a_page_of_another_site_can_not_open_the_app(serve):
    address = serve()
    async with aiohttp.ClientSession() as http:
        await answered(http, address)
        for origin in ("http://evil.example", "null", f"https://{urlsplit(address).netloc}"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await app_says(http, address, "Overview", origin=origin)
            assert refused.value.status == 403


async def test_a_name_that_was_made_to_point_here_is_refused_and_localhost_is_led_on(serve):
    address = serve()
    port = urlsplit(address).port
    async with aiohttp.ClientSession() as http:
        status, headers = await answered(http, address)
        assert status == 200
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        status, _ = await answered(http, address, headers={"Host": f"evil.example:{port}"})
        assert status == 403
        status, headers = await answered(http, address, headers={"Host": f"localhost:{port}"})
        assert (status, headers["Location"]) == (302, address)


async def test_a_proxy_s_address_is_the_page_s_own(serve):
    address = serve("--public-url", "https://tasks.example")
    async with aiohttp.ClientSession() as http:
        await answered(http, address)
        painted = await app_says(http, address, "Overview", origin="https://tasks.example")

    assert " RO " in painted


def test_an_address_in_use_is_refused_without_a_traceback(database):
    """Of a traceback the user reads the last line, if any, and not which address to change."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f":{taken.getsockname()[1]}"
        command = [*TASQ, "serve", "--url", database.url, "--listen", listen]
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=clean_environment(),
        )

    assert answer.returncode == 2
    assert f"error: can't listen on 127.0.0.1{listen}: " in answer.stderr
    assert "Traceback" not in answer.stderr
