"""textual-serve's server, closed to pages of other sites.

By itself it lets any page in the user's browser open its WebSocket, and so read the tasks.
"""

import logging
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from textual_serve.server import Server

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_HEADERS: Final = {
    # No other site is asked for fonts, and none shows this page in a frame.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data:; font-src 'self' data:; connect-src 'self' ws: wss:;"
        " frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class GuardedServer(Server):
    """Answers only requests to its own address, and WebSockets only of its own page."""

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard())
        app.on_response_prepare.append(_add_headers)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Print nothing: the command has said where it listens."""

    def initialize_logging(self) -> None:
        """Log to standard error, and no local variables, which hold the database's URL."""
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")

    def _guard(self) -> Middleware:
        public = urlsplit(self.public_url)
        ours = {public.netloc, f"{self.host}:{self.port}", f"[{self.host}]:{self.port}"}

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.host not in ours:
                # A name that another site made point here; but localhost is 127.0.0.1.
                if request.path == "/" and urlsplit(f"//{request.host}").hostname in _LOOPBACK:
                    raise web.HTTPFound(self.public_url)
                raise web.HTTPForbidden(text=f"open {self.public_url}")
            origin = request.headers.get("Origin")
            if origin not in (None, f"{public.scheme}://{public.netloc}"):
                raise web.HTTPForbidden(text=f"open {self.public_url}")
            return await handler(request)

        return guard


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    del request
    response.headers.update(_HEADERS)
