"""A new task, or an edited copy of one: ask, submit, note, tell."""

import json
import shlex
from datetime import timedelta
from functools import partial
from typing import Final

import msgspec

from tasq_core.args import gob
from tasq_core.errors import ArgsDecodeError, TasqError
from tasq_core.reports import MutationResult
from tasq_core.task import Task
from tasq_tui.admin.command_line import target
from tasq_tui.admin.records import args_record
from tasq_tui.ui.operations.change import Changer
from tasq_tui.ui.operations.drafts import Draft, Names
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.sanitize import safe

_LARGEST_EDITED: Final = 200_000
_LONGEST_TYPE: Final = 40


async def submit_new(changer: Changer) -> MutationResult | None:
    """Ask for a task and submit it."""
    return await _submit(changer, "New task", Draft())


async def submit_copy(changer: Changer, original: Task) -> MutationResult | None:
    """Ask for changes to a copy of `original` and submit it."""
    draft, note = draft_of(original)
    return await _submit(changer, f"Copy of {original.id.hex[:8]}", draft, note)


def draft_of(task: Task) -> tuple[Draft, str]:
    """What a copy of `task` begins with, and a word about its arguments."""
    record = args_record(task.args)
    encoding, value = record["encoding"], record["value"]
    note = f"{encoding}, kept byte for byte unless edited"
    text = ""
    if encoding == "json" and len(task.args) <= _LARGEST_EDITED:
        text = msgspec.json.format(task.args, indent=2).decode()
    elif encoding == "gob" and len(task.args) <= _LARGEST_EDITED:
        text = json.dumps(value, indent=2, ensure_ascii=False)
    else:
        note = f"{encoding}: kept as they are while this is empty"
    codec, go_type = "json", None
    if encoding == "gob":
        codec = "gob"
        try:
            go_type = gob.type_of(task.args)
            note += f", then still {go_type if len(go_type) <= _LONGEST_TYPE else 'its Go type'}"
        except ArgsDecodeError:
            note += "; its Go type can't be written again"
    draft = Draft(
        task.type, task.queue, task.priority, task.max_receives,
        codec=codec, go_type=go_type, args=text, data=task.args,
    )  # fmt: skip
    return draft, note


async def _submit(
    changer: Changer, title: str, draft: Draft, note: str = ""
) -> MutationResult | None:
    # The text editor is dear to import, and not needed for the first frame.
    from tasq_tui.ui.dialogs.edit_task import EditTask  # noqa: PLC0415
    from tasq_tui.ui.dialogs.task_form import Context  # noqa: PLC0415

    session = changer.session
    names = Names(session.queues, session.types)
    stored, problem = None, ""
    while stored is None:
        form = EditTask(title, draft, Context(note, problem, names))
        answer = await changer.app.push_screen_wait(form)
        if answer is None:
            return None
        task, draft = answer
        try:
            stored = await changer.ask("Submitting", partial(_stored, session, task, draft.delay))
            problem = "given up waiting; it may be stored: look before you submit it again"
        except TasqError as error:
            problem = str(error)
    result = MutationResult(1, 0)
    problem = session.note("submit", _command(draft, session), result)
    changer.notify(f"submitted {safe(stored.type, 60)} as {stored.id}")
    if problem:
        changer.notify(problem, "warning")
    return result


def _stored(session: Session, task: Task, delay: float) -> Task:
    admin = session.admin
    if delay:
        task.set_visibility(admin.repository.now() + timedelta(seconds=delay))
    return admin.client.new_producer().submit_task(task)


def _command(draft: Draft, session: Session) -> str:
    words = [
        "tasq",
        "submit",
        *target(session.settings),
        "--args",
        " ".join(draft.args.split("\n")),
    ]
    for option, value, default in (
        ("--queue", draft.queue, ""),
        ("--priority", draft.priority, 0),
        ("--max-receives", draft.max_receives, 0),
        ("--codec", draft.codec, "json"),
        ("--go-type", draft.go_type if draft.codec == "gob" else None, None),
    ):
        if value != default:
            words += [option, str(value)]
    if draft.delay:
        words += ["--delay", f"{draft.delay:g}s"]
    return shlex.join([*words, "--", draft.type])
