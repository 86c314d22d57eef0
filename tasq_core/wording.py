"""Numbers with their nouns, for messages."""


def plural(count: int, noun: str) -> str:
    """The form of `noun` for so many: "task" for one, "tasks" for any other number."""
    return noun if count == 1 else f"{noun}s"


def counted(count: int, noun: str) -> str:
    """A number and its noun: "1 task", "1,234 tasks"."""
    return f"{count:,} {plural(count, noun)}"
