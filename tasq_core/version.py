"""The version of this library."""

from typing import Final

VERSION: Final = "0.1.0"
"""As in `pyproject.toml`: looking it up in the installed metadata takes 10 ms and more."""
