"""The public names, exactly, with the signatures that programs outside rely on."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import tasq_core as tasq
from tasq_core.args import gob
from tasq_core.repository.protocol import Repository

NAMES = [
    "GOB",
    "JSON",
    "Activity",
    "ArgsDecodeError",
    "ArgsEncodeError",
    "Attempt",
    "BreakdownRow",
    "Bucket",
    "Channel",
    "ClaimUnansweredError",
    "Cleaner",
    "Client",
    "Codec",
    "Consumer",
    "ConsumerAlreadyRunningError",
    "ConsumerAlreadyStoppedError",
    "ConsumerOptions",
    "ConsumerReport",
    "CouldNotActivateTasksError",
    "CouldNotPingTasksError",
    "CouldNotPollTasksError",
    "CronSyntaxError",
    "Discard",
    "Duration",
    "ErrorGroup",
    "Failure",
    "Filter",
    "FilterSyntaxError",
    "Handler",
    "Health",
    "Holder",
    "InFlight",
    "Inspector",
    "InvalidInputError",
    "InvalidTypeError",
    "Job",
    "Lease",
    "LeaseLostError",
    "MutationResult",
    "MySQLRepository",
    "OptionChanges",
    "Ordering",
    "Outcome",
    "Page",
    "PageOrder",
    "Pause",
    "PollStrategy",
    "PostgresRepository",
    "Producer",
    "Rate",
    "Rates",
    "RawArgs",
    "ReadOnlyError",
    "Repository",
    "RepositoryError",
    "RepositoryUnavailableError",
    "Retry",
    "RetryPolicy",
    "SQLiteRepository",
    "Schedule",
    "ScheduleNotFoundError",
    "Snooze",
    "Spread",
    "StatementTimeoutError",
    "Summary",
    "Swap",
    "TableMissingError",
    "Task",
    "TaskNotFoundError",
    "TaskStatus",
    "TaskStatusGroup",
    "TaskTypeAlreadyLearnedError",
    "TaskTypeNotFoundError",
    "TaskTypeNotKnownError",
    "TasqError",
    "Timing",
    "Timings",
    "UnknownPollStrategyError",
    "VisibilityTimeoutTooShortError",
    "WaitTimeoutError",
    "connect",
    "exponential",
    "get_task_statuses",
    "open_repository",
]


def test_these_names_and_no_others_are_public():
    assert sorted(tasq.__all__) == sorted(NAMES)
    assert list(tasq.__all__) == sorted(
        tasq.__all__, key=lambda n: (not n.isupper(), not n[0].isupper(), n)
    )
    assert all(getattr(tasq, name) is not None for name in NAMES)


SIGNATURES: dict[str, tuple[Callable[..., Any], str]] = {
    "connect": (
        tasq.connect,
        (
            "(url, *, prefix='', codec=JSON, pool_size=None, connect_timeout=None,"
            " statement_timeout=None, time_zone=None, read_only=False, wake_up=True)"
        ),
    ),
    "Client": (tasq.Client, "(repository, codec=JSON)"),
    "open_repository": (tasq.open_repository, "(url, prefix='', **options)"),
    "Task.new": (
        tasq.Task.new,
        (
            "(type, args, queue='', priority=0, max_receives=0, *, codec='json', go_type=None,"
            " as_struct=False)"
        ),
    ),
    "unmarshal_args": (tasq.Task.unmarshal_args, "(self, into=None)"),
    "set_visibility": (tasq.Task.set_visibility, "(self, at)"),
    "is_last_receive": (tasq.Task.is_last_receive, "(self)"),
    "get_task_statuses": (tasq.get_task_statuses, "(group)"),
    "submit": (
        tasq.Producer.submit,
        (
            "(self, type, args, queue='', priority=0, max_receives=0, *, delay=None,"
            " visible_at=None, id=None, go_type=None, as_struct=False, connection=None)"
        ),
    ),
    "submit_task": (tasq.Producer.submit_task, "(self, task, *, connection=None)"),
    "submit_many": (tasq.Producer.submit_many, "(self, tasks, *, connection=None)"),
    "learn": (tasq.Consumer.learn, "(self, type, fn, override=False)"),
    "forget": (tasq.Consumer.forget, "(self, type)"),
    "start": (tasq.Consumer.start, "(self)"),
    "channel": (tasq.Consumer.channel, "(self)"),
    "wait": (tasq.Consumer.wait, "(self, timeout=None)"),
    "clean": (tasq.Cleaner.clean, "(self)"),
    "with_task_age": (tasq.Cleaner.with_task_age, "(self, age)"),
    "count": (
        tasq.Inspector.count,
        "(self, statuses=None, types=None, queues=None, *, where=None)",
    ),
    "scan": (
        tasq.Inspector.scan,
        (
            "(self, statuses=None, types=None, queues=None, ordering=CREATED_AT_FIRST, limit=10, *,"
            " where=None)"
        ),
    ),
    "purge": (
        tasq.Inspector.purge,
        "(self, safe_delete, statuses=None, types=None, queues=None, *, where=None)",
    ),
    "delete": (tasq.Inspector.delete, "(self, safe_delete, *tasks, where=None)"),
    "get": (tasq.Inspector.get, "(self, id)"),
    "requeue": (tasq.Inspector.requeue, "(self, *tasks, where=None, reset=False, spread=None)"),
    "update": (
        tasq.Inspector.update,
        (
            "(self, *tasks, where=None, queue=None, priority=None, delay=None, visible_at=None,"
            " max_receives=None, type=None, args=Ellipsis)"
        ),
    ),
    "cancel": (tasq.Inspector.cancel, "(self, *tasks, where=None, reason='')"),
    "inspector.wait": (tasq.Inspector.wait, "(self, *tasks, timeout=None)"),
    "gob.decode": (gob.decode, "(data)"),
}


@pytest.mark.parametrize(("callee", "expected"), SIGNATURES.values(), ids=SIGNATURES.keys())
def test_a_signature_is_what_programs_call(callee: Callable[..., Any], expected: str):
    assert written(callee) == expected


def written(callee: Callable[..., Any]) -> str:
    """The signature without its annotations; JSON is the codec's name."""
    signature = inspect.signature(callee)
    parameters = []
    for parameter in signature.parameters.values():
        default = parameter.default
        if default is tasq.JSON:
            default = _Word("JSON")
        elif isinstance(default, str) and type(default) is not str:
            default = _Word(default)
        parameters.append(parameter.replace(annotation=inspect.Parameter.empty, default=default))
    bare = signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    return str(bare)


class _Word(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


GOS_THIRTEEN = {
    "migrate": [],
    "ping_tasks": ["task_ids", "visibility_timeout"],
    "poll_tasks": [
        "types",
        "queues",
        "visibility_timeout",
        "ordering",
        "limit",
        "skip_queues",
        "note_crashes",
    ],
    "clean_tasks": ["minimum_age"],
    "register_start": ["task"],
    "register_error": ["task", "error"],
    "register_finish": ["task", "status"],
    "submit_task": ["task", "connection"],
    "delete_task": ["task", "safe_delete"],
    "requeue_task": ["task"],
    "scan_tasks": ["statuses", "types", "queues", "ordering", "limit"],
    "count_tasks": ["statuses", "types", "queues"],
    "purge_tasks": ["statuses", "types", "queues", "safe_delete"],
}
CLASSES = ["SQLiteRepository", "PostgresRepository", "MySQLRepository"]


@pytest.mark.parametrize("name", CLASSES)
def test_a_repository_class_takes_a_source_and_a_prefix(name: str):
    parameters = list(inspect.signature(getattr(tasq, name)).parameters.values())
    assert [parameter.name for parameter in parameters[:2]] == ["source", "prefix"]
    assert parameters[1].default == ""
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters[2:])


@pytest.mark.parametrize("name", [*CLASSES, "Repository"])
def test_a_repository_has_gos_thirteen_methods(name: str):
    found = {
        method: list(inspect.signature(getattr(getattr(tasq, name), method)).parameters)[1:]
        for method in GOS_THIRTEEN
    }
    assert found == GOS_THIRTEEN


@pytest.mark.parametrize("name", CLASSES)
def test_a_repository_class_has_all_of_the_protocol_and_its_signatures(name: str):
    cls = getattr(tasq, name)
    for method, member in vars(Repository).items():
        if method.startswith("_") or not callable(member):
            continue
        assert written(getattr(cls, method)) == written(member), method


BUILDERS = {
    "auto_delete_on_success": False, "channel_size": 10, "max_active_tasks": 10,
    "poll_interval": 5.0, "poll_limit": 10, "poll_strategy": tasq.PollStrategy.BY_CREATED_AT,
    "queues": ("",), "visibility_timeout": 15.0,
}  # fmt: skip


def test_the_consumers_defaults_are_gos_and_each_has_its_builder():
    options = tasq.ConsumerOptions()
    assert {name: getattr(options, name) for name in BUILDERS} == BUILDERS
    for name in [*BUILDERS, "logger"]:
        assert callable(getattr(tasq.Consumer, f"with_{name}"))


def test_every_public_thing_has_a_docstring():
    for name in NAMES:
        thing = getattr(tasq, name)
        if not inspect.isclass(thing) and not inspect.isfunction(thing):
            continue
        assert thing.__doc__, name
        members = vars(thing) if inspect.isclass(thing) else {}
        for member, value in members.items():
            if inspect.isfunction(value) and not member.startswith("_"):
                assert value.__doc__, f"{name}.{member}"


def test_enums_have_the_names_of_the_contract():
    assert [*tasq.TaskStatus] == ["NEW", "ENQUEUED", "IN_PROGRESS", "SUCCESSFUL", "FAILED"]
    assert [*tasq.TaskStatusGroup] == ["ALL", "OPEN", "FINISHED"]
    assert [item.name for item in tasq.Ordering] == ["CREATED_AT_FIRST", "PRIORITY_FIRST"]
    assert [item.name for item in tasq.PollStrategy] == ["BY_CREATED_AT", "BY_PRIORITY"]
