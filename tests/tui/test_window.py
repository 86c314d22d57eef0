import uuid
from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasq_core.repository.protocol import PageOrder
from tasq_core.task import TaskStatus
from tasq_tui.ui.tasks.keyset import Purpose, answer, just_before
from tasq_tui.ui.tasks.window import KEPT_SCREENS, LEAST_REACH, PROBE_LIMIT, Window
from tests.tui.sources import ComputedSource, ListSource, key_of, row, serve

ORDERS = st.sampled_from(list(PageOrder))


def numbers(rows) -> list[int]:
    return [task.id.int for task in rows]


def filled(count: int, height: int = 10, order: PageOrder = PageOrder.NEWEST):
    source = ListSource([row(i, i) for i in range(count)])
    window = Window(order, height)
    serve(window, source)
    return window, source


def test_first_read_shows_the_newest_tasks():
    window, _ = filled(100)

    assert numbers(window.visible) == list(range(99, 89, -1))


def test_one_request_fills_the_first_screen():
    window = Window(height=20)
    source = ComputedSource()
    need = window.need()

    window.deliver(need, answer(need, source))

    assert len(window.visible) == 20
    assert not window.loading


def test_an_empty_list_asks_for_nothing_more_until_refreshed():
    window, source = filled(0)
    assert window.need() is None
    assert window.current is None

    source.add(row(1, 1))
    window.refresh()
    serve(window, source)

    assert numbers(window.visible) == [1]


def test_end_of_ten_million_rows_is_one_request_away():
    window, source = Window(height=20), ComputedSource()
    serve(window, source)

    window.jump_bottom()
    need = window.need()
    window.deliver(need, answer(need, source))

    assert need.purpose is Purpose.BOTTOM
    assert numbers(window.visible)[-1] == 0
    assert window.current.id.int == 0


def test_memory_stays_bounded_over_three_hundred_pages():
    window, source = Window(height=50), ComputedSource()
    for _ in range(300):
        serve(window, source)
        window.page(1)

    assert len(window.rows) <= 50 * (2 * KEPT_SCREENS + 4)
    assert window.current.id.int == 10_000_000 - 1 - 300 * 50


def test_position_is_exact_after_walking_from_the_top():
    window, source = Window(height=50), ComputedSource()
    for _ in range(40):
        serve(window, source)
        window.page(1)

    assert window.position(10_000_000) == (40 * 50, 10_000_000)


def test_position_is_exact_after_walking_up_from_the_bottom():
    window, source = Window(height=50), ComputedSource()
    window.jump_bottom()
    for _ in range(40):
        serve(window, source)
        window.page(-1)

    assert window.position(10_000_000)[0] == 10_000_000 - 50 - 40 * 50


def test_pages_turned_before_rows_arrive_are_made_up_for():
    window, source = Window(height=30), ComputedSource()
    serve(window, source)

    for _ in range(5):
        window.page(1)
    serve(window, source)

    assert 10_000_000 - 1 - window.current.id.int == 5 * 30


def test_a_row_that_changed_is_updated_in_place():
    window, source = filled(100)
    window.move(5)
    source.rows[97] = row(97, 97, status=TaskStatus.FAILED)

    window.refresh()
    serve(window, source)

    assert window.visible[2].status is TaskStatus.FAILED
    assert window.current.id.int == 94


def test_new_tasks_leave_the_cursor_on_its_task_and_its_line():
    window, source = filled(100)
    window.move(4)
    for number in range(100, 103):
        source.add(row(number, number))

    window.refresh()
    serve(window, source)

    assert window.current.id.int == 95
    assert window.cursor - window.offset == 4
    assert window.newer == 3
    assert numbers(window.rows[:3]) == [102, 101, 100]


def test_going_to_the_top_shows_what_is_newer_and_clears_the_count():
    window, source = filled(100)
    source.add(row(100, 100))
    window.refresh()
    serve(window, source)

    window.jump_top()
    serve(window, source)

    assert numbers(window.visible)[0] == 100
    assert window.newer == 0


def test_newer_tasks_are_counted_from_far_below():
    window, source = filled(2000)
    for _ in range(60):
        window.page(1)
        serve(window, source)
    for number in range(2000, 2000 + 3 * PROBE_LIMIT):
        source.add(row(number, number))

    window.refresh()
    serve(window, source)

    assert window.newer == PROBE_LIMIT


def test_a_cursor_whose_task_is_gone_goes_to_the_next_living_one():
    window, source = filled(100)
    window.move(4)
    gone = {95, 94}
    source.rows = [task for task in source.rows if task.id.int not in gone]

    window.refresh()
    serve(window, source)

    assert window.current.id.int == 93


def test_a_cursor_on_the_last_row_goes_up_when_it_is_gone():
    window, source = filled(5)
    window.jump_bottom()
    source.rows = source.rows[1:]

    window.refresh()
    serve(window, source)

    assert window.current.id.int == 1


def test_frozen_rows_change_but_neither_enter_nor_leave():
    window, source = filled(100)
    before = numbers(window.visible)
    window.freeze(True)
    source.rows = [task for task in source.rows if task.id.int != 97]
    source.rows[97] = row(98, 98, status=TaskStatus.FAILED)
    source.add(row(100, 100))

    window.refresh()
    serve(window, source)

    assert numbers(window.visible) == before
    assert window.visible[1].status is TaskStatus.FAILED
    assert window.vanished == {uuid.UUID(int=97)}
    assert window.newer == 1


def test_thawing_brings_in_what_happened_meanwhile():
    window, source = filled(100)
    window.freeze(True)
    source.rows = [*source.rows[:97], row(101, 101)]
    window.refresh()
    serve(window, source)

    window.freeze(False)
    serve(window, source)

    assert 101 in numbers(window.rows)
    assert not {97, 98, 99} & set(numbers(window.rows))
    assert not window.vanished


def test_an_answer_to_a_superseded_request_changes_nothing():
    window, source = filled(1000)
    window.page(6)
    stale = window.need()
    window.jump_bottom()
    before = numbers(window.rows)

    assert not window.deliver(stale, answer(stale, source))
    assert numbers(window.rows) == before


def test_after_a_failure_nothing_is_asked_until_the_next_refresh():
    window = Window()
    window.fail(window.need())
    assert window.need() is None

    window.refresh()

    assert window.need() is not None


def test_another_order_starts_over_and_keeps_the_old_rows_till_then():
    window, source = filled(100)

    window.reset(PageOrder.OLDEST)
    assert numbers(window.visible)[0] == 99
    serve(window, source)

    assert numbers(window.visible) == list(range(10))


@pytest.mark.parametrize(("wanted", "found"), [(40, 40), (1000, 0), (-1, 0)])
def test_seeking_goes_to_the_task_or_the_one_after_it(wanted, found):
    window, source = filled(100)

    window.seek(key_of(row(wanted, max(wanted, 0))) if wanted < 1000 else key_of(row(-50, 0)))
    serve(window, source)

    assert window.current.id.int == found


def test_many_tasks_restored_above_the_first_are_reached_by_going_up():
    window, source = filled(100, order=PageOrder.OLDEST)
    for number in range(1000, 1050):
        source.add(row(-number, number))

    window.refresh()
    serve(window, source)
    assert window.current.id.int == 0
    window.move(-50)
    serve(window, source)

    assert window.current.id.int == 1049


def test_refresh_reads_no_more_than_the_viewport_and_the_count():
    window, source = filled(1000, height=20)
    source.pages.clear()

    window.refresh()
    serve(window, source)

    assert sum(source.pages) <= 21


def test_a_list_emptied_behind_our_back_shows_as_empty():
    window, source = filled(1000)
    window.jump_bottom()
    serve(window, source)
    source.rows = []

    window.refresh()
    serve(window, source)

    assert not window.rows
    assert window.at_top
    assert window.at_bottom


@given(
    at=st.datetimes(timezones=st.just(UTC)),
    number=st.sampled_from([0, 1, 2**128 - 1]) | st.integers(0, 2**128 - 1),
    order=ORDERS,
)
def test_the_key_before_a_row_is_just_before_it(at, number, order):
    key = (at, uuid.UUID(int=number))
    before = just_before(key, order)

    if before is None:
        assert at.year in {1, 9999}
    else:
        assert (before > key) if order.descends else (before < key)


OPERATIONS = st.one_of(
    st.tuples(st.just("insert"), st.integers(0, 40), st.integers(1000, 9999)),
    st.tuples(st.just("append"), st.integers(1, 60), st.integers(10_000, 99_999)),
    st.tuples(st.just("delete"), st.integers(0, 600), st.integers(1, 80)),
    st.tuples(st.just("change"), st.integers(0, 600), st.sampled_from(list(TaskStatus))),
    st.tuples(st.just("move"), st.integers(-5, 5), st.none()),
    st.tuples(st.just("page"), st.integers(-6, 6), st.none()),
    st.tuples(st.just("scroll"), st.integers(-9, 9), st.none()),
    st.tuples(st.just("resize"), st.integers(1, 15), st.none()),
    st.tuples(
        st.sampled_from(["jump_top", "jump_bottom", "refresh", "serve one", "serve"]),
        st.none(),
        st.none(),
    ),
    st.tuples(st.just("seek"), st.integers(-1, 50), st.none()),
    st.tuples(st.just("freeze"), st.booleans(), st.none()),
)


def change(source: ListSource, name: str, first, second) -> None:
    if name == "insert" and all(task.id.int != second for task in source.rows):
        source.add(row(first, second))
    elif name == "append":
        known = {task.id.int for task in source.rows}
        latest = source.rows[-1].created_at if source.rows else row(50, 0).created_at
        for number in {second + i for i in range(first)} - known:
            task = row(0, number)
            task.created_at = task.finished_at = latest
            source.add(task)
    elif name == "delete":
        del source.rows[first : first + second]
    elif name == "change" and first < len(source.rows):
        old = source.rows[first]
        source.rows[first] = row(0, old.id.int, status=second)
        source.rows[first].created_at = old.created_at
        source.rows[first].finished_at = old.finished_at


def drive(window: Window, source: ListSource, name: str, value) -> None:
    match name:
        case "move" | "page" | "scroll" | "resize" | "freeze":
            getattr(window, name)(value)
        case "jump_top" | "jump_bottom" | "refresh":
            getattr(window, name)()
        case "seek":
            window.seek(key_of(row(value, 5)))
        case "serve":
            serve(window, source)
        case "serve one":
            if need := window.need():
                window.deliver(need, answer(need, source))


def check_bounds(window: Window) -> None:
    ranks = [window.rank(task) for task in window.rows]
    assert ranks == sorted(set(ranks))
    assert len({task.id for task in window.rows}) == len(window.rows)
    assert len(window.rows) <= 15 + 2 * KEPT_SCREENS * LEAST_REACH
    assert 0 <= window.offset <= max(len(window.rows) - window.height, 0)
    if window.rows:
        assert window.offset <= window.cursor < window.offset + window.height
        assert window.cursor < len(window.rows)


@settings(max_examples=200, deadline=None)
@given(
    count=st.integers(0, 600),
    order=ORDERS,
    operations=st.lists(OPERATIONS, max_size=30),
)
def test_what_is_shown_is_always_a_true_slice_and_the_cursor_keeps_its_task(
    count, order, operations
):
    source = ListSource([row(number * 7919 % 41, number) for number in range(count)])
    window = Window(order, height=10)
    for operation in operations:
        name, first, second = operation
        change(source, name, first, second)
        drive(window, source, name, first)
        check_bounds(window)
    window.freeze(False)
    serve(window, source)
    cursor = window.current

    for _ in range(3):
        window.refresh()
        serve(window, source)
        check_bounds(window)

    table = source.ordered(order)
    start = table.index(window.visible[0]) if window.visible else 0
    assert list(window.visible) == table[start : start + window.height]
    assert len(window.visible) == min(window.height, len(table))
    if cursor is not None and cursor.id in {task.id for task in table}:
        assert window.current.id == cursor.id


def test_a_task_that_ends_again_is_held_once_at_its_new_place():
    """Read again further up, its old row would stand there twice and be counted twice."""
    source = ListSource([row(i, i) for i in range(300)])
    window = Window(PageOrder.LAST_FINISHED, height=10)
    serve(window, source)
    window.jump_bottom()
    serve(window, source)
    source.rows.pop(20)
    source.add(row(150, 20))
    for _ in range(30):
        window.page(-1)
        serve(window, source)
        check_bounds(window)
