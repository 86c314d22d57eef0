"""The screen of changes made in this run."""
