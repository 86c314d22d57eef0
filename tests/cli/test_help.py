"""Help: every verb says what it does and shows an example that is accepted."""

import re
import shlex

import pytest

from tasq_tui.cli import app
from tasq_tui.cli.verbs import VERBS


def help_of(capsys, *verb):
    assert app.run([*verb, "--help"]) == 0
    return capsys.readouterr().out


def test_the_overview_has_a_line_for_each_verb_and_the_exit_codes(capsys):
    shown = help_of(capsys)

    for name, verb in VERBS.items():
        assert re.search(rf"^  {name} +{re.escape(verb.help[:30])}", shown, re.MULTILINE), name
    assert "130 interrupted" in shown
    assert all(len(line) <= 100 for line in shown.splitlines())


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_examples_and_takes_the_shared_options(capsys, verb):
    shown = help_of(capsys, verb)

    assert f"Usage: tasq {verb}" in shown
    assert "Examples:" in shown
    assert f"    tasq {verb}" in shown or "| tasq" in shown or f" {verb}" in shown
    for option in ("--url", "--prefix", "--profile", "--read-only", "--timeout"):
        assert option in shown


@pytest.mark.parametrize("verb", VERBS)
def test_the_options_of_every_example_exist(capsys, verb):
    shown = help_of(capsys, verb)
    examples = shown.partition("Examples:\n")[2].partition("\n\n")[0].splitlines()

    assert examples
    for example in examples:
        for command in example.split("|"):
            words = shlex.split(command)
            if words[:1] != ["tasq"]:
                continue
            named = next(word for word in words if word in VERBS)
            known = help_of(capsys, named)
            for word in words:
                if word.startswith("--"):
                    assert re.search(rf"{re.escape(word)}\b", known), example


def test_an_unknown_verb_suggests_a_near_one(capsys):
    assert app.run(["lsit"]) == 2

    assert "did you mean 'list'" in capsys.readouterr().err.lower()


def test_the_version_is_told(capsys):
    assert app.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tasq ")


def test_completion_knows_the_verbs():
    import subprocess

    from tests.support.processes import clean_environment, python

    answer = subprocess.run(
        python("-m", "tasq_tui"),
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(_TASQ_COMPLETE="complete_bash", COMP_WORDS="tasq re", COMP_CWORD="1"),
    )

    assert answer.stdout.split() == ["requeue", "resume"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["submit", "email", "--priority", "high"], "'high' is not a whole number"),
        (["errors", "--limit", "x"], "'x' is not a whole number"),
        (["list", "--timeout", "x"], "'x' is not a number"),
    ],
)
def test_what_is_not_a_number_is_refused_in_plain_words(tasq, words, says):
    """The parser calls such types "int range", which says nothing to those who never read its code."""
    result = tasq(*words)

    assert result.code == 2
    assert says in result.err
