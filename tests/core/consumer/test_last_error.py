import pytest

from tasq_core.last_error import MAX_ERROR_BYTES, storable_error


def raised(error):
    try:
        raise error
    except BaseException as caught:
        return caught


class HostileError(Exception):
    def __str__(self):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "error",
    [
        ValueError("nul \0, lone surrogate \ud800, umlaut ü"),
        ValueError("é" * 2**20),
        HostileError(),
        raised(ValueError("é" * 2**20)),
        raised(HostileError()),
        raised(KeyboardInterrupt()),
        "text with \0 and \udfff",
        "é" * 2**20,
        "",
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_error_becomes_text_that_every_database_stores(error):
    text = storable_error(error)
    assert "\0" not in text
    assert len(text.encode()) <= MAX_ERROR_BYTES


def test_the_message_comes_first_and_the_traceback_after_it():
    def handler():
        raise ValueError("what went wrong")

    try:
        handler()
    except ValueError as caught:
        text = storable_error(caught)
    assert text.startswith("ValueError: what went wrong\n\nTraceback (most recent call last):\n")
    assert "in handler" in text


def test_a_long_traceback_loses_its_middle_and_keeps_its_cause():
    def deep(level):
        if not level:
            raise ValueError("bottom")
        try:
            deep(level - 1)
        except ValueError as error:
            raise ValueError(f"level {level} " + "x" * 500) from error

    text = storable_error(raised_by(deep, 60))
    assert len(text.encode()) <= MAX_ERROR_BYTES
    assert "… cut …" in text
    assert text.startswith("ValueError: level 60")
    assert text.rstrip().endswith("x")


def test_endless_recursion_is_stored_in_short():
    def endless():
        return endless()

    text = storable_error(raised_by(endless))
    assert text.startswith("RecursionError")
    assert len(text) < 4000


def test_an_error_without_a_traceback_is_one_line():
    assert storable_error(TimeoutError("too long")) == "TimeoutError: too long"


def raised_by(function, *args):
    try:
        function(*args)
    except BaseException as caught:
        return caught
