"""From the options given to an open client."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tasq_core.client import Client
from tasq_core.errors import TableMissingError
from tasq_core.inspector import Inspector
from tasq_core.repository.protocol import Repository
from tasq_core.repository.urls import parse_url
from tasq_tui.admin.session import open_client
from tasq_tui.admin.settings import Settings, load_settings
from tasq_tui.cli import diagnostics
from tasq_tui.cli.options import Given


@dataclass(frozen=True, slots=True)
class Connection:
    """The database of one run."""

    settings: Settings
    client: Client

    @property
    def repository(self) -> Repository:
        """The client's."""
        return self.client.repository

    @property
    def inspector(self) -> Inspector:
        """A new one."""
        return self.client.new_inspector()


def settings_of(given: Given) -> Settings:
    """The settings of this run, their warnings told.

    Raises:
        InvalidInputError: no database given, or a config file in error.
    """
    settings = load_settings(
        given.url, given.prefix, given.profile, given.read_only, given.time_zone
    )
    for warning in settings.warnings:
        diagnostics.warn(warning)
    return settings


MissingFile = Literal["refused", "made", "imagined"]
"""What becomes of a SQLite file that isn't there: looking must not leave an empty one."""


@contextmanager
def connected(given: Given, missing_file: MissingFile = "refused") -> Iterator[Connection]:
    """A client of the database that was asked for.

    Raises:
        TableMissingError: a missing SQLite file that is refused.
    """
    settings = settings_of(given)
    if missing_file != "made" and _is_missing_file(settings):
        if missing_file == "refused":
            raise TableMissingError(
                f"there is no file {settings.url!r}; `tasq migrate` creates it with its table"
            )
        settings = replace(settings, url="sqlite://")
    with open_client(settings, timeout=given.timeout) as client:
        yield Connection(settings, client)


def _is_missing_file(settings: Settings) -> bool:
    url = parse_url(settings.url)
    return url.kind == "sqlite" and url.database != "" and not Path(url.database).exists()
