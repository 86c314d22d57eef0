"""Several hosts in a MySQL URL: the first that can be reached serves."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pymysql

from tasq_core.repository.urls import Host


def first_reached(
    hosts: Sequence[Host], keywords: Mapping[str, Any], is_lost: Callable[[Exception], bool]
) -> Any:
    """A connection to the first of `hosts` that can be reached.

    Raises:
        pymysql.OperationalError: of the last host, or of one that answers and refuses us.
    """
    *others, last = hosts
    for host in others:
        try:
            return _connect(host, keywords)
        except (pymysql.OperationalError, OSError) as error:
            if not is_lost(error):
                raise
    return _connect(last, keywords)


def _connect(host: Host, keywords: Mapping[str, Any]) -> Any:
    name, port = host
    return pymysql.connect(**{**keywords, "host": name or "localhost", "port": port or 3306})
