"""Writes docs/reference/filters.md from the code: `python docs/filter_reference.py`."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

TARGET = HERE / "reference" / "filters.md"

HEAD = """\
# Filters

Made from the code by `python docs/filter_reference.py`. One language for the command (`--where`),
the app (`/`) and the library (`where=`, `tasq.Filter.parse`):

```text filter
status:failed queue:mail error:"connection refused" finished:<1d
```

- Terms stand side by side and must all hold. Commas separate alternatives: `status:failed,new`.
- `-` before a term negates it: `-queue:tmp`.
- `*` at the end or the beginning of a name stands for anything: `type:send*`.
- `>`, `>=`, `<`, `<=` and `1..5` are for numbers, lengths of time and times.
- Quote what has spaces, commas or colons: `error:"no such host: db"`. Inside, `\\"` is a quote.
- A bare word is the beginning of an id where it could be one, else a piece of type or error.
- Case doesn't matter in keys, and in searches of text; names of queues and types are exact.

What another language would write (`status=failed`, `a OR b`, `&&`, parentheses, typographic quotes)
is refused with what to write here; it never silently matches nothing.

## Filters with a name

Those of `[filters]` in the [config file](configuration.md) are known to the command, to the app's
filter line, its completion and its palette. With `"stuck mail" = "queue:mail status:failed"` there,
`tasq list --where "stuck mail"` lists the failed tasks of that queue, and says so. A name is taken
as one only where it is all that is given.
"""

TIMES = """\
## Times

`created`, `started`, `finished` and `visible` take a length of time, meaning ago: `created:>2h` is
more than two hours ago, `finished:<1d` within the last day; or a moment: {moments}. A day or a
month is all of it, `yesterday..today` a range. Without a zone it is this machine's.

Lengths: {lengths}; a number alone is seconds.

## Arguments

`args:needle` finds a piece of the arguments as they are stored. `args.path:value` looks inside
them: `args.to:a@b.c`, `args.amount.cents:>100`. JSON arguments are searched in the database; gob
arguments of Go are decoded here, for the tasks that the other terms leave.
"""


def page() -> str:
    """The whole page."""
    from tasq_core import durations, moments
    from tasq_core.filters.completion import VALUES
    from tasq_core.filters.keys import ALIASES, KEYS

    rows = [
        f"| `{key.name}:` | {key.about} | {', '.join(f'`{example}`' for example in key.examples)} |"
        for key in KEYS.values()
    ]
    states = [f"| `is:{name}` | {about} |" for name, about in VALUES["is"].items()]
    other = [f"`{name}:` for `{key}:`" for name, key in ALIASES.items()]
    parts = [
        HEAD,
        "## Keys\n\n| key | looks at | as in |\n|-|-|-|\n" + "\n".join(rows),
        "JSON's and the table's names work too: " + ", ".join(other) + ".",
        "## States\n\n| term | tasks that |\n|-|-|\n" + "\n".join(states),
        TIMES.format(moments=moments.EXAMPLES, lengths=durations.EXAMPLES),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
