"""Text for a terminal: sanitizing, formats, theme, bars."""
