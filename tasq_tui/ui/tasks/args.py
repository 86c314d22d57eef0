"""A task's arguments as a tree, as text or as bytes."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import ContentSwitcher, Tree
from textual.widgets.tree import TreeNode

from tasq_tui.ui.tasks.decoded_args import (
    CHILDREN,
    DecodedArgs,
    brief,
    children,
    decoded,
    hex_lines,
    is_branch,
    text_lines,
)
from tasq_tui.ui.text.sanitize import safe_content
from tasq_tui.ui.widgets.lines_view import LinesView

MODES: Final = ("tree", "raw", "hex")
_WIDE_HEX: Final = 74
_OPENED_ENTRIES: Final = 30
"""Branches at most this long are open from the start, as far as the first two levels go."""


class ArgsView(Vertical):
    """Shows `bytes` by `show`; `t` goes from tree to raw to hex."""

    DEFAULT_CSS = """
    ArgsView {
        height: 1fr; border-top: solid $border-blurred;
        border-title-color: $text-muted; border-title-style: bold;
        & Tree { height: 1fr; background: $surface; }
        & ContentSwitcher { height: 1fr; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("t", "next_mode", "Tree/raw/hex", show=False)]

    @dataclass
    class Grown(Message):
        """There is more or less to show than before."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.mode = MODES[0]
        self._args = DecodedArgs(b"", "text")

    def compose(self) -> ComposeResult:
        """One of two views."""
        with ContentSwitcher(initial="args-tree"):
            tree = Tree[Any](Text("args"), id="args-tree")
            tree.show_root = False
            tree.guide_depth = 2
            yield tree
            yield LinesView(id="args-lines")

    def on_mount(self) -> None:
        """Show what was given before there was anything to show it in."""
        self._draw()

    def show(self, data: bytes) -> None:
        """Show these arguments; the same ones again change nothing."""
        if data != self._args.data or not data:
            self._args = decoded(data)
            if self.is_mounted:
                self._draw()

    def action_next_mode(self) -> None:
        """Go on to the next mode that these arguments have."""
        modes = MODES if self._args.has_value else MODES[1:]
        at = modes.index(self._shown_mode())
        self.mode = modes[(at + 1) % len(modes)]
        self._draw()

    @property
    def height_wanted(self) -> int:
        """Lines that all of it takes, the one about it included."""
        if self._shown_mode() == "tree":
            return self.query_one(Tree).last_line + 2
        return self.query_one(LinesView).height_wanted + 1

    @property
    def about(self) -> str:
        """What the arguments are, and how they are shown."""
        problem = f" · {self._args.problem}" if self._args.problem and self._args.data else ""
        return f"{self._args.title} · {self._shown_mode()}{problem}"

    @property
    def text(self) -> str:
        """The arguments as text."""
        return "\n".join(text_lines(self._args))

    def search(self, wanted: str) -> int:
        """Mark where `wanted` stands in the arguments, as text; how often. "" shows them again."""
        lines = self.query_one(LinesView)
        if not wanted:
            lines.search("")
            self._draw()
            return 0
        if self._shown_mode() == "tree":
            lines.show(text_lines(self._args))
            self.query_one(ContentSwitcher).current = "args-lines"
        return lines.search(wanted)

    def _shown_mode(self) -> str:
        if self.mode == "tree" and not self._args.has_value:
            return "raw" if self._args.encoding == "text" else "hex"
        return self.mode

    def _draw(self) -> None:
        mode = self._shown_mode()
        title = safe_content(f"Arguments · {self.about}")
        if title != self.border_title:
            self.border_title = title
        switcher = self.query_one(ContentSwitcher)
        if mode == "tree":
            self._fill_tree()
            switcher.current = "args-tree"
        else:
            lines = self.query_one(LinesView)
            width = 16 if self.size.width >= _WIDE_HEX or not self.size else 8
            raw = mode == "raw"
            lines.show(text_lines(self._args) if raw else hex_lines(self._args.data, width))
            switcher.current = "args-lines"
        self.post_message(self.Grown())

    def _fill_tree(self) -> None:
        tree: Tree[Any] = self.query_one(Tree)
        tree.clear()
        tree.root.data = self._args.value
        tree.root.set_label(Text(""))
        if is_branch(self._args.value):
            _add_children(tree.root, open_levels=2)
        else:
            tree.root.add_leaf(Text(brief(self._args.value)))
        tree.root.expand()

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Any]) -> None:
        """Make the entries of a branch when it is opened."""
        event.stop()
        if not event.node.children:
            _add_children(event.node, open_levels=0)
        self.call_after_refresh(self.post_message, self.Grown())

    def on_tree_node_collapsed(self, event: Tree.NodeCollapsed[Any]) -> None:
        """Let what follows have the room."""
        event.stop()
        self.call_after_refresh(self.post_message, self.Grown())


def _add_children(node: TreeNode[Any], open_levels: int) -> None:
    entries = node.data or ()
    for key, child in children(entries):
        label = Text.assemble((key, "bold"), "  ", brief(child))
        if not is_branch(child):
            node.add_leaf(label)
            continue
        opened = open_levels > 1 and len(child) <= _OPENED_ENTRIES
        branch = node.add(label, data=child, expand=opened)
        if opened:
            _add_children(branch, open_levels - 1)
    if (hidden := len(entries) - CHILDREN) > 0:
        node.add_leaf(Text(f"… {hidden:,} more"))
