"""Durations on the command line: one grammar for options, filters and configuration."""

from datetime import timedelta

from tasq_core.durations import parse_duration


def age(option: str, text: str) -> timedelta:
    """The duration that `text` stands for: `90`, `1.5h`, `7d`.

    Raises:
        InvalidInputError: it can't be read, or is over a hundred years.
    """
    return parse_duration(option, text)
