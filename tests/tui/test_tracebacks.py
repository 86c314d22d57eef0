"""The eye finds the user's own line of a traceback; nothing of the text is lost but carets."""

import pytest

from tasq_tui.ui.text.tracebacks import Look, error_lines

PYTHON = """HTTPError: 503

Traceback (most recent call last):
  File "/srv/shop/jobs/mail.py", line 3, in send
    return client.send(order)
           ~~~~~~~~~~~^^^^^^^
  File "/venv/lib/python3.11/site-packages/httpx/_client.py", line 1144, in post
    raise error
HTTPError: 503"""


def test_the_own_frame_nearest_to_the_error_stands_out_and_libraries_stay_back():
    assert [(line.look, line.text) for line in error_lines(PYTHON)] == [
        (Look.ERROR, "HTTPError: 503"),
        (Look.PLAIN, ""),
        (Look.MUTED, "Traceback (most recent call last):"),
        (Look.FRAME, "  /srv/shop/jobs/mail.py:3 in send"),
        (Look.PLAIN, "    return client.send(order)"),
        (Look.MUTED, "  httpx/_client.py:1144 in post"),
        (Look.MUTED, "    raise error"),
    ]


def test_a_go_stack_is_read_too():
    stack = "boom\n\ngoroutine 1 [running]:\nmain.send()\n\t/src/shop/mail.go:12 +0x1d"

    assert (Look.FRAME, "    /src/shop/mail.go:12") in [
        (line.look, line.text) for line in error_lines(stack)
    ]


@pytest.mark.parametrize("text", ["", "plain", "two\nlines", "  ^^^\nkept", "a\n    ~~~ b"])
def test_what_is_not_a_traceback_comes_out_as_it_is(text):
    assert "\n".join(line.text for line in error_lines(text)) == text


def test_a_hostile_file_name_is_inert():
    text = 'x\n  File "/a\x1b[31m.py", line 1, in f'

    assert not any("\x1b" in line.text for line in error_lines(text))
