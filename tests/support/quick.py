"""`pytest --sqlite-only`: without the tests that need a database server."""

import pytest

_PARAMETERS = ("backend", "private_backend", "server_backend")
_FIXTURES = {"private_postgres", "private_mysql"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option."""
    parser.addoption(
        "--sqlite-only", action="store_true", help="leave out tests that need a database server"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what needs a server, if that is asked for."""
    if not config.getoption("sqlite_only"):
        return
    served = [item for item in items if _needs_a_server(item)]
    items[:] = [item for item in items if item not in set(served)]
    config.hook.pytest_deselected(items=served)


def _needs_a_server(item: pytest.Item) -> bool:
    params = item.callspec.params if hasattr(item, "callspec") else {}
    if any(params.get(name, "sqlite") != "sqlite" for name in _PARAMETERS):
        return True
    return not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
