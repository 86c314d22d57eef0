"""The filter line: completion as one types, history, and a caret under what is wrong."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tasq_core.errors import FilterSyntaxError
from tasq_core.filters import Filter, parse
from tasq_core.filters.completion import Completion
from tasq_tui.admin.settings import named_filter
from tasq_tui.ui.text.sanitize import fit, safe, safe_content

Completer = Callable[[str, int], Sequence[Completion]]
"""What could stand at a cursor position of a filter, best first."""

_PROMPT: Final = 2
_MOST_OFFERED: Final = 8
_WIDEST_OFFER: Final = 28
_KEPT_HISTORY: Final = 100


class FilterInput(Input):
    """Where the filter is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Apply")]


class FilterBar(Vertical):
    """An input for filters. Enter applies, Tab completes, Up and Down walk the history."""

    DEFAULT_CSS = """
    FilterBar {
        height: auto; background: $panel;
        & Horizontal { height: 1; }
        & #filter-prompt { width: 2; color: $text-accent; text-style: bold; }
        & Input { width: 1fr; background: $panel; }
        & #filter-problem { height: 1; display: none; color: $text-warning; }
        & #filter-problem.-wrong { display: block; }
        & #filter-problem.-refused { color: $text-error; text-style: bold; }
        & OptionList {
            overlay: screen; display: none; width: 64; max-width: 100%; height: auto;
            max-height: 10; offset-x: 1; border: none; padding: 0 1; background: $panel;
            scrollbar-size-vertical: 1;
        }
        & OptionList.-offering { display: block; }
        & OptionList > .option-list--option-highlighted {
            color: $block-cursor-foreground; background: $block-cursor-background;
        }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete"),
        Binding("down", "next", "Next", show=False),
        Binding("up", "previous", "Previous", show=False),
        Binding("escape", "leave", "Leave"),
    ]

    @dataclass
    class Applied(Message):
        """Show the tasks that match."""

        text: str
        where: Filter

    @dataclass
    class Left(Message):
        """The user is done with the bar; the filter stays as it was applied last."""

    def __init__(
        self,
        completer: Completer,
        history: Sequence[str] = (),
        saved: Mapping[str, str] = MappingProxyType({}),
        *,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make an empty bar.

        Args:
            completer: offers completions.
            history: earlier filters, the newest last.
            saved: filters by their names; a name stands for its filter.
            id: the widget's id.
            classes: the widget's CSS classes.
        """
        super().__init__(id=id, classes=classes)
        self.history = list(history)
        self._completer = completer
        self._saved = saved
        self._applied = ""
        self._draft = ""
        self._at = len(self.history)
        self._offered: Sequence[Completion] = ()

    def compose(self) -> ComposeResult:
        """The prompt and the input, the problem under it, the offers over what follows."""
        with Horizontal():
            yield Static("/", id="filter-prompt", markup=False)
            yield FilterInput(
                placeholder="status:failed queue:mail error:timeout …",
                compact=True,
                select_on_focus=False,
            )
        yield Static(id="filter-problem", markup=False)
        offers = OptionList(markup=False)
        offers.can_focus = False
        yield offers

    @property
    def text(self) -> str:
        """What is typed."""
        return self._input.value

    @property
    def offers(self) -> tuple[str, ...]:
        """The completions on show."""
        return tuple(offer.text for offer in self._offered)

    @property
    def problem(self) -> str:
        """What is wrong with what is typed, as shown; "" if nothing."""
        problem = self.query_one("#filter-problem", Static)
        return str(problem.content) if problem.has_class("-wrong") else ""

    @property
    def _input(self) -> Input:
        return self.query_one(Input)

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    def edit(self) -> None:
        """Let the user type."""
        self._input.focus()

    def apply(self, text: str) -> None:
        """Put `text` into the bar and apply it, as if typed."""
        self._set(text)
        self._submit()

    def action_complete(self) -> None:
        """Take the highlighted offer, else the first."""
        if self._offered:
            self._take(self._list.highlighted or 0)

    def action_next(self) -> None:
        """Go down in the offers, else to the next filter of the history."""
        if not self._offered:
            self._recall(self._at + 1)
        elif self._list.highlighted is None:
            self._list.highlighted = 0
        else:
            self._list.action_cursor_down()

    def action_previous(self) -> None:
        """Go up in the offers, else to the previous filter of the history."""
        if not self._list.highlighted:
            if self._list.highlighted is None or not self._offered:
                self._recall(self._at - 1)
            self._list.highlighted = None
        else:
            self._list.action_cursor_up()

    def action_leave(self) -> None:
        """Close the offers; without any, restore the filter that is applied, and leave."""
        if self._offered:
            self._offer(())
            return
        self._set(self._applied)
        self.post_message(self.Left())

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._check(refused=False)
        offers = self._completer(event.value, self._input.cursor_position)
        cursor = self._input.cursor_position
        done = any(event.value[offer.start : cursor] == offer.text for offer in offers)
        self._offer(() if done or not self._input.has_focus else offers)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if self._offered and self._list.highlighted is not None:
            self._take(self._list.highlighted)
        else:
            self._submit()

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._take(event.option_index)

    def _submit(self) -> None:
        where = self._check(refused=True)
        self._offer(())
        if where is None:
            return
        self._applied = text = self.text.strip()
        if text:
            self.history = [*(old for old in self.history if old != text), text][-_KEPT_HISTORY:]
        self._at = len(self.history)
        self.post_message(self.Applied(text, where))

    def _check(self, *, refused: bool) -> Filter | None:
        """The filter typed; None if it can't be read, with the reason shown."""
        problem = self.query_one("#filter-problem", Static)
        saved = named_filter(self._saved, self.text)
        try:
            where = parse(self.text if saved is None else saved)
        except FilterSyntaxError as error:
            text = f"in the config file: {safe(error.hint)}" if saved else self._pointed(error)
            problem.update(safe_content(text))
            problem.set_class(True, "-wrong")
            problem.set_class(refused, "-refused")
            return None
        problem.set_class(False, "-wrong")
        return where

    def _pointed(self, error: FilterSyntaxError) -> str:
        """The hint behind a caret under the place; before it where there is no room behind."""
        width = max(self.size.width, 1)
        before = cell_len(error.text[: error.position]) - self._input.scroll_offset.x
        place = max(min(_PROMPT + before, width - 1), 0)
        hint = safe(error.hint)
        if place + 2 + cell_len(hint) <= width or place < width // 2:
            return " " * place + "^ " + hint
        return fit(hint, place - 1, right=True) + " ^"

    def _take(self, index: int) -> None:
        # The input tells of the change, and so what fits next is offered.
        self._input.value, cursor = self._offered[index].apply(self.text)
        self._input.cursor_position = cursor

    def _recall(self, at: int) -> None:
        if not 0 <= at <= len(self.history):
            return
        if self._at == len(self.history):
            self._draft = self.text
        self._at = at
        self._set(self.history[at] if at < len(self.history) else self._draft)

    def _set(self, text: str) -> None:
        """Put `text` into the input, offering nothing for it."""
        with self._input.prevent(Input.Changed):
            self._input.value = text
        self._input.cursor_position = len(text)
        self._offer(())
        self._check(refused=False)

    def _offer(self, offers: Sequence[Completion]) -> None:
        self._offered = tuple(offers[:_MOST_OFFERED])
        self._list.clear_options()
        self._list.add_options(Option(_offer_line(offer)) for offer in self._offered)
        self._list.highlighted = None
        self._list.set_class(bool(self._offered), "-offering")


def _offer_line(offer: Completion) -> Content:
    about = (safe(offer.about), "$text-muted")
    return Content.assemble(fit(safe(offer.text), _WIDEST_OFFER), " ", about)
