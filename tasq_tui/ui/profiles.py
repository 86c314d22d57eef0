"""The dialog that chooses another database by its profile."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tasq_core.repository.redaction import redact
from tasq_tui.admin.settings import Profile
from tasq_tui.ui.dialogs.base import Dialog
from tasq_tui.ui.text.sanitize import fit, safe

_NAME = 18


class ProfilesDialog(Dialog[str]):
    """Answers the name of the profile chosen."""

    DEFAULT_CSS = """
    ProfilesDialog OptionList {
        height: auto; max-height: 16; border: none; padding: 0; background: $surface;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "move(1)", "Down", show=False),
        Binding("k", "move(-1)", "Up", show=False),
    ]

    def __init__(self, profiles: Sequence[Profile], current: str) -> None:
        super().__init__("Profiles", "Enter opens · Esc cancels")
        self._profiles = profiles
        self._current = current

    def body(self) -> Iterator[Widget]:
        """A line for each profile."""
        yield OptionList(*(Option(self._line(profile)) for profile in self._profiles), markup=False)

    def on_mount(self) -> None:
        """Begin at the profile that is open."""
        names = [profile.name for profile in self._profiles]
        chosen = self.query_one(OptionList)
        chosen.highlighted = names.index(self._current) if self._current in names else 0
        chosen.focus()

    def action_move(self, rows: int) -> None:
        """Move by a row."""
        chosen = self.query_one(OptionList)
        if rows > 0:
            chosen.action_cursor_down()
        else:
            chosen.action_cursor_up()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._profiles[event.option_index].name)

    def _line(self, profile: Profile) -> Content:
        glyph = "► " if profile.name == self._current else "  "
        notes = "  read-only" if profile.read_only else ""
        url = safe(redact(profile.url), 200) or "no url"
        return Content.assemble(
            glyph, (fit(safe(profile.name), _NAME), "bold"), " ", url, (notes, "$text-warning")
        )
