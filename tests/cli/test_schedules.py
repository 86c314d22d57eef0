"""tasq schedules: what an operator does to periodic tasks at night."""

import json

import pytest


@pytest.fixture
def nightly(client):
    return client.schedule(
        "nightly", "0 3 * * *", "report", {"day": 1}, time_zone="Europe/Berlin", queue="mail"
    )


def listed(client):
    return {schedule.name: schedule for schedule in client.new_inspector().schedules()}


def test_the_list_shows_what_comes_next(tasq, nightly):
    result = tasq("schedules")

    assert result.code == 0
    header, line = result.lines
    assert header.split() == ["NAME", "CRON", "ZONE", "NEXT", "LAST", "MISSED", "TYPE", "QUEUE"]
    assert line.startswith("nightly  0 3 * * *  Europe/Berlin  20")
    assert tasq("schedules", "-o", "csv").lines[1].startswith("nightly,0 3 * * *,")


def test_one_is_run_now_paused_resumed_and_removed(tasq, client, nightly):
    ran = tasq("schedules", "run", "nightly", "--json")
    task = client.new_inspector().get(json.loads(ran.out)["task_id"])
    assert (task.type, task.queue, task.args) == ("report", "mail", b'{"day":1}')

    assert "paused schedule 'nightly'" in tasq("schedules", "pause", "nightly").err
    assert listed(client)["nightly"].paused
    again = tasq("schedules", "pause", "nightly", "--json")
    assert (again.code, json.loads(again.out)["done"]) == (0, 0)
    assert "is paused already" in again.err
    assert "paused" in tasq("schedules").lines[1]
    assert tasq("schedules", "resume", "nightly").code == 0
    assert not listed(client)["nightly"].paused

    assert tasq("schedules", "remove", "nightly", "--yes").code == 0
    assert listed(client) == {}


def test_removal_asks_and_without_a_terminal_is_refused(tasq, client, nightly):
    """A script that was never tried must not lose the nightly report."""
    result = tasq("schedules", "remove", "nightly")

    assert result.code == 2
    assert "add --yes" in result.err
    assert "nightly" in listed(client)


def test_each_change_is_in_the_history_with_its_command(tasq, nightly):
    tasq("schedules", "pause", "nightly")

    [history] = tasq.state.glob("databases/*/history.jsonl")
    [line] = history.read_text().splitlines()
    assert json.loads(line)["command"].endswith("pause nightly")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["stop", "nightly"], 2, "use one of run, pause, resume, remove"),
        (["run"], 2, "needs the NAME"),
        (["run", "weekly"], 3, "no schedule 'weekly'"),
        (["pause", "nightly", "--read-only"], 7, "read-only"),
    ],
)
def test_what_cannot_be_done_is_refused(tasq, nightly, words, code, message):
    result = tasq("schedules", *words)

    assert (result.code, message in result.err) == (code, True), result.err
    assert json.loads(tasq("schedules", "--json").out)[0]["paused"] is nightly.paused


def test_a_database_without_the_table_names_the_remedy(tasq, repository):
    result = tasq("schedules")

    assert result.code != 0
    assert "tasq migrate" in result.err


def test_hostile_names_are_inert(tasq, client):
    client.schedule("\x1b[31mred[/]", "@daily", "=cmd()")

    assert "\x1b" not in tasq("schedules").out
    assert ",=cmd()" not in tasq("schedules", "-o", "csv").out
