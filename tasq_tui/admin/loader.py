"""Finds the user's handlers: `module:attr` becomes a dict of task type to callable."""

import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from tasq_core.errors import InvalidInputError, TaskTypeAlreadyLearnedError, TaskTypeNotFoundError
from tasq_core.task import check_text

Handler = Callable[..., Any]
"""Called with a Task; sync or `async def`."""
Handlers = dict[str, Handler]

DEFAULT_ATTRIBUTE: Final = "handlers"
_TRACEBACK_LINES: Final = 6
_SHAPES: Final = (
    "a dict of task type to function, an object with such a dict as `handlers`,"
    " or a function that calls `consumer.learn(type, fn)` on its one argument"
)


class Registrar:
    """Stands in for a Consumer while a registering function is run: it only takes notes."""

    def __init__(self) -> None:
        self.handlers: Handlers = {}

    def learn(self, type: str, fn: Handler, override: bool = False) -> None:
        """Note `fn` as the handler of `type`.

        Raises:
            TaskTypeAlreadyLearnedError: there is one, and `override` is false.
        """
        if type in self.handlers and not override:
            raise TaskTypeAlreadyLearnedError(
                f"task type {type!r} has a handler; pass override=True to replace it"
            )
        self.handlers[type] = fn

    def forget(self, type: str) -> None:
        """Drop the handler of `type`.

        Raises:
            TaskTypeNotFoundError: there is none.
        """
        if self.handlers.pop(type, None) is None:
            raise TaskTypeNotFoundError(f"task type {type!r} has no handler to forget")

    def handler(self, type: str, override: bool = False) -> Callable[[Handler], Handler]:
        """Decorate the handler of `type`."""

        def note(fn: Handler) -> Handler:
            self.learn(type, fn, override)
            return fn

        return note


def load_handlers(target: str, path: str | os.PathLike[str] | None = None) -> Handlers:
    """The handlers that `target` names.

    Args:
        target: `module:attr`, or `module` alone for its `handlers`.
        path: the folder modules are looked for in first; the working directory if None.
            It stays on `sys.path`, for what the handlers import when they run.

    Raises:
        InvalidInputError: no such module or attribute, no handlers in it, or the module's
            own code failed, whose last traceback lines are shown.
    """
    module_name, attribute = _split(target)
    folder = str(Path(path or ".").resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module = _import(module_name, folder)
    return _checked(target, _handlers_of(target, _attribute(module, attribute, target)))


def _split(target: str) -> tuple[str, str]:
    module, _, attribute = target.strip().partition(":")
    if "/" in module or module.endswith(".py"):
        dotted = module.removesuffix(".py").strip("./").replace("/", ".")
        raise InvalidInputError(
            f"{target!r} is a file's path; name its module: {dotted}:{attribute or 'handlers'}"
        )
    names = [*module.split("."), *(attribute or DEFAULT_ATTRIBUTE).split(".")]
    if not all(name.isidentifier() for name in names):
        raise InvalidInputError(
            f"{target!r} names no handlers; write module:attr, as in app.jobs:handlers"
        )
    return module, attribute or DEFAULT_ATTRIBUTE


def _import(name: str, folder: str) -> ModuleType:
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # the module's own code may raise anything
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and (name == missing or name.startswith(f"{missing}.")):
            raise InvalidInputError(
                f"no module {missing!r}: it is neither in {folder} nor installed;"
                " run from its folder, or check the spelling"
            ) from error
        raise InvalidInputError(f"importing {name!r} failed:\n{_last_lines(error)}") from error


def _attribute(module: ModuleType, dotted: str, target: str) -> Any:
    found: Any = module
    for name in dotted.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            close = get_close_matches(name, [key for key in dir(found) if key[0] != "_"], 1)
            hint = f"did you mean {close[0]!r}?" if close else f"it should be {_SHAPES}"
            raise InvalidInputError(
                f"{target!r}: there is no {name!r} in {module.__name__}; {hint}"
            ) from None
    return found


def _handlers_of(target: str, found: Any) -> Any:
    if isinstance(found, Mapping):
        return found
    held = getattr(found, "handlers", None)
    if isinstance(held, Mapping):
        return held
    if not callable(found):
        raise InvalidInputError(f"{target!r} is {found!r}; it should be {_SHAPES}")
    registrar = Registrar()
    arguments = (registrar,) if _takes_one(found) else ()
    try:
        returned = found(*arguments)
    except (Exception, SystemExit) as error:  # likewise
        raise InvalidInputError(f"calling {target!r} failed:\n{_last_lines(error)}") from error
    if inspect.iscoroutine(returned):
        returned.close()
        raise InvalidInputError(f"{target!r} is an async function; it should be {_SHAPES}")
    return registrar.handlers if arguments else returned


def _takes_one(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(object())
    except (TypeError, ValueError):  # the latter: a builtin without a signature
        return False
    return True


def _checked(target: str, found: Any) -> Handlers:
    if not isinstance(found, Mapping):
        raise InvalidInputError(f"{target!r} gave {found!r}; it should be {_SHAPES}")
    if not found:
        raise InvalidInputError(f"{target!r} holds no handlers; it should be {_SHAPES}")
    for type_, handler in found.items():
        check_text("task type", type_)
        if not callable(handler):
            raise InvalidInputError(
                f"{target!r}: the handler of {type_!r} is not a function: {handler!r}"
            )
    return dict(found)


def _last_lines(error: BaseException) -> str:
    lines = "".join(traceback.format_exception(error)).rstrip().splitlines()
    return "\n".join(lines[-_TRACEBACK_LINES:])
