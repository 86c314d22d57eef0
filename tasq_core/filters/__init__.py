"""The filter language: text to a `Filter`, a `Filter` to bound SQL."""

from tasq_core.filters.model import Filter
from tasq_core.filters.parser import parse

__all__ = ["Filter", "parse"]
