"""mkdocs hooks: links to files of the repository outside the site become plain text."""

import re
from typing import Any

_OUTSIDE = re.compile(r"\[([^\]]*)\]\((?:\.\./)+[^)]*\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs for each page."""
    return _OUTSIDE.sub(r"\1", markdown)
