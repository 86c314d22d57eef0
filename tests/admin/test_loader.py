import sys

import pytest

from tasq_core.errors import InvalidInputError
from tasq_tui.admin.loader import load_handlers


@pytest.fixture
def module(tmp_path, monkeypatch, request):
    """Writes a module of a name no other test uses; gives its name."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    name = f"jobs_{abs(hash(request.node.name))}"

    def write(code):
        (tmp_path / f"{name}.py").write_text(code)
        return name

    yield write
    sys.modules.pop(name, None)


def fails(target, path, message):
    with pytest.raises(InvalidInputError, match=message) as caught:
        load_handlers(target, path)
    return str(caught.value)


def test_a_dict_is_taken_as_it_is(module, tmp_path):
    name = module("def send(task): ...\nhandlers = {'email': send}\njobs = {'x': print}")

    assert list(load_handlers(name, tmp_path)) == ["email"]
    assert load_handlers(f"{name}:jobs", tmp_path) == {"x": print}


def test_the_working_directory_is_the_default_path(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = module("handlers = {'email': print}")

    assert load_handlers(name) == {"email": print}


def test_a_function_may_return_the_dict(module, tmp_path):
    name = module("def build():\n    return {'email': print}")

    assert load_handlers(f"{name}:build", tmp_path) == {"email": print}


def test_a_function_may_learn_on_what_it_is_given(module, tmp_path):
    name = module(
        "def register(consumer):\n"
        "    consumer.learn('a', print)\n"
        "    consumer.learn('a', len, override=True)\n"
        "    consumer.learn('gone', print)\n"
        "    consumer.forget('gone')\n"
        "    @consumer.handler('b')\n"
        "    def b(task): ...\n"
    )

    handlers = load_handlers(f"{name}:register", tmp_path)

    assert list(handlers) == ["a", "b"]
    assert handlers["a"] is len


def test_an_object_with_handlers_will_do(module, tmp_path):
    name = module("class Jobs:\n    handlers = {'email': print}\njobs = Jobs()")

    assert load_handlers(f"{name}:jobs", tmp_path) == {"email": print}
    assert load_handlers(f"{name}:jobs.handlers", tmp_path) == {"email": print}


def test_a_package_is_found_by_its_dotted_name(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "shop_a7").mkdir()
    (tmp_path / "shop_a7" / "jobs.py").write_text("handlers = {'x': print}")

    assert load_handlers("shop_a7.jobs", tmp_path) == {"x": print}


def test_learning_twice_is_reported_with_its_traceback(module, tmp_path):
    name = module("def register(c):\n    c.learn('a', print)\n    c.learn('a', print)")

    fails(f"{name}:register", tmp_path, "(?s)calling .* failed.*override=True")


def test_a_missing_module_names_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])

    assert str(tmp_path) in fails("nowhere_a7:x", tmp_path, "no module 'nowhere_a7'")
    fails("nowhere_a7.sub:x", tmp_path, "no module 'nowhere_a7'")


def test_a_missing_attribute_suggests_the_nearest(module, tmp_path):
    name = module("handlers = {}")

    fails(f"{name}:handler", tmp_path, "did you mean 'handlers'")
    fails(f"{name}:zzz", tmp_path, "it should be a dict")


@pytest.mark.parametrize(
    ("code", "last"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import absent_a7", "absent_a7"),
        ("def (", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_the_modules_own_failure_is_shown_by_its_last_lines(module, tmp_path, code, last):
    name = module(code)

    message = fails(name, tmp_path, "importing .* failed")

    assert last in message.splitlines()[-1]
    assert code in message


@pytest.mark.parametrize("target", ["", ":x", "a b:c", "a:", "a..b", "a:b:c", "a:b-c"])
def test_what_names_no_module_is_refused(tmp_path, target, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])

    fails(target, tmp_path, "names no handlers|no module 'a'")


def test_a_file_path_is_answered_with_its_module(tmp_path):
    fails("./app/jobs.py:all", tmp_path, "name its module: app.jobs:all")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("handlers = 5", "is 5; it should be a dict"),
        ("handlers = {}", "holds no handlers"),
        ("handlers = {'a': 5}", "the handler of 'a' is not a function: 5"),
        ("handlers = {5: print}", "task type must be text"),
        ("def handlers(): return 5", "gave 5"),
        ("async def handlers(): ...", "async function"),
        ("def handlers(c): ...", "holds no handlers"),
        ("def handlers(task): task.id", "no attribute 'id'"),
    ],
)
def test_what_holds_no_handlers_is_refused_with_what_would_do(module, tmp_path, code, message):
    name = module(code)

    fails(name, tmp_path, message)
