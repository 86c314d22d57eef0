import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from tasq_core.args import gob
from tasq_core.errors import ArgsDecodeError
from tests.gob import bombs, vectors

VECTORS = {one["name"]: one["raw"] for one in vectors.load()}


def test_inspect_names_the_types_of_go():
    shown = gob.inspect(VECTORS["iface"])

    assert shown.type_name == "HasIface"
    assert shown.value["Shape"] == gob.GoValue("main.Square", {"Side": gob.GoValue("float64", 2.0)})
    assert shown.value["List"].type_name == "[]interface {}"
    assert shown.value["List"].value[0] == gob.GoValue("int", 1)


def test_inspect_names_types_that_go_leaves_nameless():
    assert gob.inspect(VECTORS["slice_struct"]).type_name == "[]struct"
    assert gob.inspect(VECTORS["map_nested"]).type_name == "map[string]map[string]int"
    assert gob.inspect(VECTORS["array"]).type_name == "[3]int"
    assert gob.inspect(VECTORS["time_utc"]).type_name == "time.Time"


def test_inspect_reads_maps_whose_keys_are_interfaces():
    any_list = b"\x01n" + bombs.int_bytes(66) + b"\x03\0\x01\x02"
    data = bombs.map_type(65, bombs.ANY, bombs.INT) + bombs.slice_type(66, bombs.INT)
    data += bombs.message(65, b"\0\x01" + any_list + b"\x04")

    assert gob.decode(data) == {(1,): 2}
    assert gob.inspect(data).value == {(1,): gob.GoValue("int", 2)}


def test_describe_draws_a_tree():
    value = {"Name": "a", "Tags": ["x", "y"], "Sub": {"On": True}, "Raw": b"\1\2"}

    assert gob.describe(gob.encode(value, as_struct=True)) == (
        "struct (4)\n"
        "├─ Name string = 'a'\n"
        "├─ Tags []string (2)\n"
        "│  ├─ [0] string = 'x'\n"
        "│  └─ [1] string = 'y'\n"
        "├─ Sub struct (1)\n"
        "│  └─ On bool = true\n"
        "└─ Raw []byte = 0x0102"
    )


def test_describe_lets_nothing_through_to_the_terminal():
    hostile = "\x1b[31m\u202e\n\x07\ud800"
    text = hostile.encode("utf-8", "replace").decode()
    struct = bombs.struct_type(65, [(text, bombs.STRING)])
    raw = struct + bombs.message(65, b"\x01" + bombs.string_bytes(text) + b"\0")

    for shown in (gob.describe(raw), gob.describe(gob.encode({text: text}))):
        assert all(line.isprintable() for line in shown.split("\n"))
        assert "\x1b" not in shown
        assert len(shown.split("\n")) == 2


def test_describe_ends_after_the_lines_asked_for():
    lines = gob.describe(gob.encode(list(range(5000))), max_lines=10).split("\n")

    assert len(lines) == 11
    assert lines[-1] == "…"


def test_long_values_are_cut():
    line = gob.describe(gob.encode("x" * 10_000))

    assert len(line) < 300
    assert line.endswith("… (10000 characters)")


def test_to_json_marks_what_json_has_no_form_for():
    value = {
        "b": b"\1", "t": datetime(2026, 1, 1, tzinfo=UTC), "c": 1j, "n": float("nan"),
        "i": float("-inf"), 5: [None], (("A", 1),): True, "s": "\udcff",
    }  # fmt: skip

    assert json.loads(json.dumps(gob.to_json(value), allow_nan=False)) == {
        "b": {"$bytes": "01"}, "t": {"$time": "2026-01-01T00:00:00+00:00"},
        "c": {"$complex": [0.0, 1.0]}, "n": {"$float": "nan"}, "i": {"$float": "-inf"},
        "5": [None], "(('A', 1),)": True, "s": "�",
    }  # fmt: skip


def test_to_json_keeps_keys_apart_that_read_the_same():
    assert gob.to_json({1: "a", "1": "b"}) == {"$map": [["1", "a"], ["1", "b"]]}


def run(*arguments, data=b""):
    return subprocess.run(
        [sys.executable, "-m", "tasq_core.args.gob", *arguments],
        input=data, capture_output=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_command_prints_json():
    done = run("-", data=VECTORS["nested_full"])

    assert done.returncode == 0
    assert done.stderr == b""
    assert json.loads(done.stdout)["In"] == {"Name": "in", "Tags": ["t1", "t2"]}


def test_the_command_prints_a_tree(tmp_path):
    path = tmp_path / "args"
    path.write_bytes(VECTORS["hidden"])

    assert run("--tree", str(path)).stdout.decode().splitlines()[0] == "Hidden (1)"


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        (["-"], 1, b"gob: byte 0: a message of 110 bytes"),
        (["/no/such/file"], 1, b"No such file"),
        ([], 2, b"usage: python -m tasq_core.args.gob"),
    ],
)
def test_the_command_fails_with_a_line_and_a_status(arguments, status, why):
    done = run(*arguments, data=b"not a gob at all")

    assert done.returncode == status
    assert why in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""


@pytest.mark.parametrize("name", sorted(VECTORS.keys() - {"float64_nan", "struct_keys"}))
def test_a_type_that_was_spelled_writes_the_same_type_again(name):
    raw = VECTORS[name]
    if name in {"gobencoder", "binarymarshaler"}:
        with pytest.raises(ArgsDecodeError, match="encoder of its own"):
            gob.type_of(raw)
        return
    spelled = gob.type_of(raw)
    again = gob.encode(gob.decode(raw), go_type=spelled)

    assert gob.type_of(again) == spelled
    assert gob.decode(again) == gob.decode(raw)


def test_a_type_that_refers_to_itself_is_not_spelled():
    data = bombs.slice_type(65, 65) + bombs.message(65, b"\0\0")

    with pytest.raises(ArgsDecodeError, match="refers to itself"):
        gob.type_of(data)
