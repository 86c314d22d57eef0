"""docs/json.md: a program written after its examples reads what the command prints."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tasq_core.task import TaskStatus
from tests.support.builders import make_task

DOCUMENT = Path(__file__).parents[2] / "docs" / "json.md"
EXAMPLES = {
    name: json.loads(text)
    for name, text in re.findall(r"```json (\w+)\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
}


def assert_same_shape(found: Any, example: Any, path: str = "") -> None:
    """Same keys in the same order, same types; null in the example stands for null or text."""
    if isinstance(example, dict) and example:
        assert list(found) == list(example), path
        for key in example:
            assert_same_shape(found[key], example[key], f"{path}.{key}")
    elif isinstance(example, list) and example:
        assert found, path
        for one in found:
            assert_same_shape(one, example[0], f"{path}[]")
    elif example is None:
        assert found is None or isinstance(found, str), path
    else:
        assert type(found) is type(example), path
        if isinstance(example, str) and example.endswith("Z"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", found), path


@pytest.fixture
def one(table, repository):
    now = repository.now()
    [task] = table(
        make_task(
            status=TaskStatus.FAILED, queue="mail", args=b'{"to":"a@b.c"}', last_error="ValueError: x",
            started_at=now, finished_at=now, receive_count=2, max_receives=3,
        )
    )  # fmt: skip
    return task


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("task", ["list", "-o", "ndjson"]),
        ("shown", ["show", "{id}", "-o", "ndjson"]),
        ("change", ["requeue", "{id}", "--json"]),
        ("change", ["delete", "{id}", "--yes", "--json"]),
        ("change", ["requeue", "{id}", "--spread", "10m", "--json"]),
        ("change", ["purge", "--all", "--yes", "--json"]),
        ("change", ["clean", "--age", "0s", "--yes", "--json"]),
        ("preview", ["delete", "--where", "status:failed", "--dry-run", "--json"]),
        ("count", ["count", "--where", "queue:mail", "--json"]),
        ("stats", ["stats", "--json"]),
    ],
)
def test_what_is_printed_has_the_documented_shape(tasq, one, name, words):
    result = tasq(*(word.format(id=one.id) for word in words))

    assert result.code == 0, result.err
    example = EXAMPLES[name]
    assert_same_shape(json.loads(result.out), example)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("task", ["list", "--json"]),
        ("shown", ["show", "{id}", "--json"]),
        ("breakdown", ["stats", "--by", "queue", "--json"]),
        ("timings", ["stats", "--by", "queue", "--timings", "--json"]),
        ("error", ["errors", "--json"]),
        ("finding", ["doctor", "--json"]),
    ],
)
def test_arrays_hold_the_documented_shape(tasq, one, name, words):
    result = tasq(*(word.format(id=one.id) for word in words))

    assert result.code == 0, result.err
    assert_same_shape(json.loads(result.out), [EXAMPLES[name]])


def test_schedules_have_the_documented_shape(tasq, client):
    client.schedule("nightly", "0 3 * * *", "report", {"day": 1}, time_zone="Europe/Berlin")

    assert_same_shape(json.loads(tasq("schedules", "--json").out), [EXAMPLES["schedule"]])
    done = json.loads(tasq("schedules", "run", "nightly", "--json").out)
    assert_same_shape(done, EXAMPLES["scheduled"])


def test_consumers_holders_and_attempts_have_the_documented_shape():
    from datetime import UTC, datetime
    from uuid import uuid4

    from tasq_core import Attempt, ConsumerReport, Holder, InFlight
    from tasq_tui.admin.fleet import attempt_record, consumer_record, holder_record

    at, id = datetime(2026, 3, 1, tzinfo=UTC), uuid4()
    counts = dict.fromkeys(EXAMPLES["consumer"]["counts"], 0)
    consumer = ConsumerReport(
        id, "a", "h", 1, "1", "2", ("q",), ("t",), 10, "running", counts,
        (InFlight(id, 1, "t", "q", at),), (), None, at, at, 5.0, at,
    )  # fmt: skip
    attempt = Attempt(id, 1, "a", "h", at, at, "failed", "x")

    assert_same_shape(consumer_record(consumer), EXAMPLES["consumer"])
    assert_same_shape(holder_record(Holder(consumer, since=at)), EXAMPLES["holder"])
    assert_same_shape(attempt_record(attempt), EXAMPLES["attempt"])


def test_a_submitted_file_is_summed_up_in_the_documented_shape(tasq, repository):
    result = tasq("submit", "--from", "-", "--json", stdin='{"type": "a"}\n')

    assert_same_shape(json.loads(result.out), EXAMPLES["submitted"])


def test_history_has_the_documented_shape(tasq, one):
    tasq("requeue", str(one.id))

    assert_same_shape(json.loads(tasq("history", "--json").out), [EXAMPLES["history"]])


def test_export_has_the_keys_of_a_task(tasq, one):
    exported = json.loads(tasq("export", "--all").out)

    assert exported.keys() == EXAMPLES["task"].keys()
    assert exported["args"]["encoding"] == "base64"


def test_what_list_writes_is_imported(tasq, one, repository):
    listed = tasq("list", "-o", "ndjson").out
    repository.delete_tasks([one.id], safe_delete=False)

    assert tasq("import", "-", stdin=listed).code == 0
    assert repository.get_tasks([one.id]) == [one]


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("list", "table json ndjson csv ids"),
        ("show {id}", "table json ndjson csv ids"),
        ("errors", "table json ndjson csv ids"),
        ("stats", "table json ndjson csv"),
        ("stats --by type", "table json ndjson csv"),
        ("stats --timings", "table json ndjson csv"),
        ("doctor", "table json ndjson csv"),
        ("profiles", "table json ndjson csv"),
    ],
)
def test_every_form_that_help_lists_works_and_no_other(tasq, one, verb, forms):
    """doctor -o ids was listed and failed."""
    words = [word.format(id=one.id) for word in verb.split()]

    shown = re.sub(r"\s", "", tasq(words[0], "--help", COLUMNS="200").out)
    assert f"<{'|'.join(forms.split())}>" in shown
    for form in forms.split():
        assert tasq(*words, "-o", form).code == 0, form
    assert tasq(*words, "-o", "xml").code == 2
    assert tasq(*words, "--json", "-o", "csv").code == 2
    assert tasq(*words, "--json", "-o", "ndjson").out == tasq(*words, "-o", "ndjson").out or (
        verb.startswith(("stats", "doctor"))
    )


def test_metrics_as_json_are_samples(tasq, one):
    samples = json.loads(tasq("metrics", "--json").out)

    failed = [
        s for s in samples if s["name"] == "tasq_tasks" and s["labels"] == {"status": "FAILED"}
    ]
    assert [sample["value"] for sample in failed] == [1]


def test_health_prints_what_the_document_says(tasq, table, repository):
    """A pager reads the exit code and these keys."""
    assert json.loads(tasq("health", "--json").out)["healthy"]
    table(make_task(created_at=repository.now() - timedelta(hours=1), queue="m\x1b[31m"))
    result = tasq("health", "--json")
    assert result.code == 8
    assert_same_shape(json.loads(result.out), EXAMPLES["health"])

    shown = tasq("health")
    assert shown.code == 8
    assert "\x1b" not in shown.out
    assert shown.out.splitlines()[0].startswith("WARN  waiting: queue m")
    assert tasq("health", "--max-wait", "2h").out == "healthy: no finding\n"
    assert tasq("health", "--max-failing", "lots").code == 2
