"""The tree of errors: each is a TasqError, and one of Python's own kinds where that fits."""

import copy
import pickle
import uuid

import pytest

import tasq_core
from tasq_core import (
    FilterSyntaxError,
    InvalidInputError,
    InvalidTypeError,
    LeaseLostError,
    RepositoryError,
    TableMissingError,
    TaskNotFoundError,
    TasqError,
)

ERRORS = [getattr(tasq_core, name) for name in tasq_core.__all__ if name.endswith("Error")]


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_is_a_tasq_error_with_a_docstring(kind: type[Exception]):
    assert issubclass(kind, TasqError)
    assert kind.__doc__


def test_bad_input_is_also_pythons_own_kind():
    assert issubclass(InvalidInputError, ValueError)
    assert issubclass(InvalidTypeError, TypeError)
    assert issubclass(InvalidTypeError, InvalidInputError)
    for name in ("UnknownPollStrategyError", "VisibilityTimeoutTooShortError", "FilterSyntaxError"):
        assert issubclass(getattr(tasq_core, name), InvalidInputError)


def test_the_kinds_of_a_repositorys_error():
    for name in ("RepositoryUnavailableError", "TableMissingError", "ReadOnlyError"):
        assert issubclass(getattr(tasq_core, name), RepositoryError)


@pytest.mark.parametrize(
    "error",
    [
        TaskNotFoundError("gone", [uuid.UUID(int=1)]),
        LeaseLostError("lost", uuid.UUID(int=2)),
        TableMissingError("missing", "tasks"),
        FilterSyntaxError("queue:", 6, "say which"),
        RepositoryError("no"),
    ],
)
def test_errors_keep_what_they_know_when_copied_or_pickled(error: TasqError):
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(other) is type(error)
        assert str(other) == str(error)
        assert vars(other) == vars(error)


def test_a_filter_error_points_at_the_place():
    error = FilterSyntaxError("queue:é 世:x", 8, "unknown key")
    assert str(error) == "unknown key\n  queue:é 世:x\n          ^"
    assert (error.text, error.position, error.hint) == ("queue:é 世:x", 8, "unknown key")


def test_a_filter_error_shows_no_control_characters():
    assert "\x1b" not in str(FilterSyntaxError("a\x1b[31mb\n", 0, "no"))
