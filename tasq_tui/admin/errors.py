"""Errors of administration that the faces tell apart."""

from tasq_core.errors import TasqError


class ChangeNotFoundError(TasqError):
    """There is no such change, or none that keeps rows."""
