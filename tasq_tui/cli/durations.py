"""Ages and spans on the command line: the filter language's, as `30s`, `2h`, `7d`."""

import re
from datetime import timedelta
from typing import Final

from tasq_core.durations import seconds
from tasq_core.errors import InvalidInputError
from tasq_core.filters.values import UNIT_SECONDS

_AGE: Final = re.compile(r"(?:\d+[smhdw])+|\d+(?:\.\d+)?")
_PART: Final = re.compile(r"(\d+)([smhdw])")


def age(option: str, text: str) -> timedelta:
    """The span that `text` stands for: units added up, or plain seconds.

    Raises:
        InvalidInputError: it can't be read, or is over a hundred years.
    """
    plain = text.strip().lower()
    if not _AGE.fullmatch(plain):
        raise InvalidInputError(
            f"{option} {text!r} is no span of time: write 30s, 15m, 2h, 7d, 2w or 1h30m"
        )
    parts = _PART.findall(plain)
    total = (
        sum(int(number) * UNIT_SECONDS[unit] for number, unit in parts) if parts else float(plain)
    )
    return timedelta(seconds=seconds(option, total))
