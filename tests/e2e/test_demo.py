"""`tasq demo`, as the README tells a newcomer to try it."""

import pytest

from tests.e2e.cockpit import Cockpit

pytestmark = [pytest.mark.pty, pytest.mark.slow, pytest.mark.timeout(180)]

SCREENS = {
    "1": "Ended per",
    "2": "newest first",
    "3": "by open",
    "4": "kinds of error",
    "5": "Consumers",
    "6": "no handlers yet",
    "7": "Nothing was changed",
}


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 60)])
def test_each_screen_fits(columns, rows):
    with Cockpit(f"demo-{columns}x{rows}", "demo", columns=columns, rows=rows) as cockpit:
        cockpit.wait_for("Ended per", timeout=40)
        for key, text in SCREENS.items():
            lines = cockpit.press(key, until=text).splitlines()
            assert lines[0].startswith(" demo ")
            assert "q Quit" in lines[-1]
            assert len(lines) == rows
        cockpit.quit()


def test_the_demos_own_handlers_are_offered_and_step_through_two_tasks():
    with Cockpit("demo-consumer", "demo", columns=100, rows=30) as cockpit:
        cockpit.wait_for("Ended per", timeout=40)
        cockpit.press("6", until="tasq_tui.admin.demo_handlers:handlers")
        cockpit.send("l")
        cockpit.wait_for("f1 Keys")
        cockpit.press("Enter", until="handles email.newsletter, email.receipt")
        cockpit.press("w", until="waits: e run")
        cockpit.send("n")
        cockpit.wait_for("← given back")
        cockpit.wait_for_question()
        cockpit.send("e")
        cockpit.wait_for("· started")
        cockpit.press("S", until="ready ·")
        cockpit.quit()


def test_help_palette_and_themes_open_and_close():
    with Cockpit("demo-help", "demo", columns=100, rows=30) as cockpit:
        cockpit.wait_for("Ended per", timeout=40)
        cockpit.press("?", until="EVERYWHERE")
        cockpit.send("Escape")
        cockpit.wait_until_gone("EVERYWHERE")
        cockpit.press("C-p", until="Search for commands")
        cockpit.send("Escape")
        cockpit.wait_until_gone("Search for commands")
        before = cockpit.screen(colours=True)
        cockpit.send("C-t")
        cockpit.wait_until_screen(lambda _: cockpit.screen(colours=True) != before)
        cockpit.quit()


def test_interrupting_and_ending_the_process_restore_the_terminal():
    with Cockpit("demo-kill", "demo", columns=80, rows=24) as cockpit:
        cockpit.wait_for("Ended per", timeout=40)
        cockpit.send("C-q")
        assert cockpit.wait() == 0
        assert "Ended per" not in cockpit.screen()
