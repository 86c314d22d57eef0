"""A night in a terminal of 80 by 24 and 16 colours, on a table that Go wrote in New York's time.

An operator in such a terminal once deleted the tasks that Go's consumers were running: their
leases, read as UTC, had ended hours before.
"""

import re
import threading
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests.contract.rows import insert_row, make_go_table
from tests.e2e.cockpit import Cockpit
from tests.support.wait import wait_until

pytestmark = [pytest.mark.pty, pytest.mark.slow, pytest.mark.timeout(300)]

ZONE = "America/New_York"
RUNNING = (UUID(int=1), UUID(int=2))
FEW_COLOURS = {"TERM": "screen", "COLORTERM": ""}


@pytest.fixture(params=["mysql"])
def backend(request):
    """Only there are times stored without their zone."""
    return request.param


def local(seconds=0.0):
    """The wall clock in New York, as Go stores it."""
    now = datetime.now(ZoneInfo(ZONE)).replace(tzinfo=None)
    return (now + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S.%f")


class GoConsumer:
    """Holds two tasks and extends their leases every second, if nobody has touched them."""

    def __init__(self, database):
        self._database = database
        self.problems: list[str] = []
        self.pings = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def rows(self):
        """All columns of the tasks it runs but the one that it writes itself."""
        return self._database.execute(
            "SELECT id, type, args, queue, priority, status, receive_count, max_receives,"
            f" last_error, created_at, started_at, finished_at FROM {self._database.table}"
            " WHERE LEFT(type, 3) = 'go.' ORDER BY id"
        )

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _run(self):
        connection = self._database.connect(autocommit=True)
        written = dict.fromkeys(RUNNING, None)
        while not self._over.wait(1 if self.pings else 0):
            for id, before in written.items():
                lease = local(15)
                with connection.cursor() as cursor:
                    changed = cursor.execute(
                        f"UPDATE {self._database.table} SET visible_at = %s WHERE id = %s"
                        " AND status IN ('ENQUEUED', 'IN_PROGRESS')"
                        " AND (%s IS NULL OR visible_at = %s)",
                        (lease, id.bytes, before, before),
                    )
                if not changed:
                    self.problems.append(f"the lease on {id} isn't as it was written at {before}")
                written[id] = lease
            self.pings += 1


@pytest.fixture
def go(database):
    """A table as Go made and filled it, and its consumer at work."""
    make_go_table(database)
    for number, status in ((1, "IN_PROGRESS"), (2, "ENQUEUED")):
        insert_row(
            database, id=UUID(int=number), type=f"go.run{number}", queue="mail", status=status,
            receive_count=1, created_at=local(-60), visible_at=local(15),
            **({"started_at": local(-50)} if status == "IN_PROGRESS" else {}),
        )  # fmt: skip
    for number in range(3, 9):
        insert_row(database, id=UUID(int=number), type="waits", created_at=local(-number * 60))
    for number in range(9, 12):
        insert_row(
            database, id=UUID(int=number), type="failed", status="FAILED", receive_count=3,
            last_error="refused", created_at=local(-3600), started_at=local(-90),
            finished_at=local(-80), visible_at=local(-70),
        )  # fmt: skip
    with GoConsumer(database) as consumer:
        wait_until(lambda: consumer.pings)
        yield consumer


def illegible(screen):
    """Pieces of a screen whose colours are none of 16, or whose ink is that of the paper."""
    found, ink, paper = [], "39", "49"
    for codes, text in re.findall(r"\x1b\[([\d;:]*)m([^\x1b]*)", f"\x1b[0m{screen}"):
        if re.search(r"[34]8[;:][25]", codes):
            found.append(f"{codes}: not of 16 colours")
        for code in codes.split(";"):
            if code in {"", "0"}:
                ink, paper = "39", "49"
            elif re.fullmatch(r"3[0-79]|9[0-7]", code):
                ink = code
            elif re.fullmatch(r"4[0-79]|10[0-7]", code):
                paper = code
        same = ink != "39" and int(ink) + 10 == int(paper)
        if same and re.search(r"\w", text):
            found.append(f"{text!r} is {ink} on {paper}")
    return found


def look(cockpit, name):
    """Keep the screen, which must be legible and fit."""
    screen = cockpit.capture(name)
    assert illegible(cockpit.screen(colours=True)) == [], name
    lines = screen.rstrip("\n").split("\n")
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    return screen


def test_a_night_on_gos_table_in_new_york_touches_nothing_of_a_running_task(go, database):
    url, prefix = database.url, database.prefix
    running = go.rows()
    with Cockpit(
        "new-york", "--url", url, "--prefix", prefix, columns=80, rows=24, env=FEW_COLOURS
    ) as cockpit:
        cockpit.wait_for("11 tasks")
        cockpit.send("2")
        cockpit.wait_for("11 tasks")
        look(cockpit, "untold")
        for keys in (("A", "r"), ("A", "d"), ("P",)):
            cockpit.send(*keys[:-1])
            cockpit.wait_for("11 marked" if len(keys) > 1 else "11 tasks")
            cockpit.send(keys[-1])
            cockpit.wait_for("refused:")
            assert "--time-zone" in look(cockpit, f"refused-{keys[-1]}")
            cockpit.wait_until_gone("refused:")
            if len(keys) > 1:
                cockpit.send("Escape")  # and nothing right behind it: that would be Alt and a key
                cockpit.wait_until_gone("marked")
        cockpit.quit()
    assert count(database) == 11

    told = ("--url", url, "--prefix", prefix, "--time-zone", ZONE)
    with Cockpit("new-york-told", *told, columns=80, rows=24, env=FEW_COLOURS) as cockpit:
        cockpit.wait_for("11 tasks")
        look(cockpit, "overview")
        for number, title in (
            ("3", "Queues"),
            ("4", "Errors"),
            ("5", "Consumers"),
            ("7", "History"),
        ):
            cockpit.send(number)
            cockpit.wait_for(f"╭─ {title} ")
            look(cockpit, title.lower())
        cockpit.send("2")
        cockpit.wait_for("go.run1")
        cockpit.enter("/", "is:leased")
        cockpit.send("Enter")
        cockpit.wait_for("2 match")
        cockpit.send("Enter")
        cockpit.wait_until_screen(
            lambda screen: re.search(r"lease ends\s+in \d", screen) is not None
        )
        look(cockpit, "running")
        cockpit.send("Escape")
        cockpit.wait_until_gone("lease ends")
        cockpit.send("Escape")
        cockpit.wait_for("11 tasks")

        cockpit.send("A")
        cockpit.wait_for("11 marked")
        cockpit.send("r")
        cockpit.wait_for("Requeue 11 tasks")
        assert "2 held by a consumer" in look(cockpit, "requeue")
        cockpit.send("y")
        cockpit.wait_for("requeued")
        look(cockpit, "requeued")

        cockpit.wait_until_gone("marked")
        cockpit.send("A")
        cockpit.wait_for("11 marked")
        cockpit.send("e")
        cockpit.wait_for("Edit 11 tasks")
        look(cockpit, "edit")
        cockpit.type("moved")
        cockpit.send("C-s")
        cockpit.wait_for("Edit 11 tasks?")
        look(cockpit, "edit-asks")
        cockpit.send("y")
        cockpit.wait_for("edited 9")

        cockpit.send("P")
        cockpit.wait_for("Type 11")
        look(cockpit, "purge")
        cockpit.type("11")
        cockpit.send("Enter")
        cockpit.wait_for("deleted 9")
        cockpit.wait_for("2 tasks")
        left = look(cockpit, "left")
        assert "go.run1" in left
        assert "go.run2" in left
        cockpit.quit()

    assert go.problems == []
    assert go.rows() == running
    assert count(database) == 2


def count(database):
    [(number,)] = database.execute(f"SELECT count(*) FROM {database.table}")
    return number
