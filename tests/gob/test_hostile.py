"""Streams that lie: each is refused, says where, and costs little."""

import json
import random
import subprocess
import threading

import pytest

from tasq_core.args import gob
from tasq_core.errors import ArgsDecodeError
from tests.gob import bombs, costs, vectors
from tests.support.processes import python

MAX_BYTES = 50_000_000
SLACK = 2  # a busy core runs at a fraction of its speed; a bomb costs a hundred times as much


def attempt(read, data):
    try:
        return read(data)
    except ArgsDecodeError:
        return None


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, float]]:
    """Seconds a megabyte and bytes, by bomb and reader; measured in processes of their own."""
    run = subprocess.run(
        python("-m", "tests.gob.costs"), capture_output=True, text=True, check=True, timeout=300
    )
    return json.loads(run.stdout)


@pytest.mark.serial
@pytest.mark.parametrize("reader", costs.READERS)
@pytest.mark.parametrize("bomb", bombs.BOMBS)
def test_a_megabyte_costs_at_most_a_tenth_of_a_second(bomb, reader, measured):
    assert measured[f"{bomb}-{reader}"]["seconds"] < costs.MAX_SECONDS * SLACK


@pytest.mark.serial
@pytest.mark.skipif(not costs.STATUS.exists(), reason="needs /proc")
@pytest.mark.parametrize("reader", costs.READERS)
@pytest.mark.parametrize("bomb", bombs.BOMBS)
def test_a_megabyte_takes_at_most_fifty_megabytes(bomb, reader, measured):
    assert measured[f"{bomb}-{reader}"]["bytes"] < MAX_BYTES


@pytest.mark.parametrize("seed", range(8))
def test_mutated_streams_decode_or_are_refused(seed):
    chance = random.Random(seed)
    streams = [one["raw"] for one in vectors.load() if len(one["raw"]) < 2000]
    for _ in range(500):
        data = bytearray(chance.choice(streams))
        for _ in range(chance.randint(1, 4)):
            match chance.randrange(3):
                case 0:
                    data[chance.randrange(len(data))] = chance.choice((0, 1, 127, 128, 248, 255))
                case 1:
                    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
                case 2:
                    at = chance.randrange(len(data))
                    data[at:at] = chance.choice(streams)[: chance.randrange(1, 30)]
        attempt(gob.decode, bytes(data))
        attempt(gob.describe, bytes(data))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "byte 0: there are no bytes"),
        (b"\x03\x04\x00", "byte 0: a message of 3 bytes announced, 2 left"),
        (b"\x00", "byte 0: an empty message"),
        (b"\x03\x04\x01\x02", "must follow a zero byte"),
        (b"\x04\x04\x00\x02\x02", "byte 3|byte 4: the value should end at byte 5"),
        (b"\x03\xff\x84\x00", "type 66 is not defined"),
        (bombs.message(66, b"\0\0"), "type 66 is not defined"),
        (bombs.slice_type(65, 99) + bombs.message(65, b"\0\0"), "type 99 is not defined"),
        (bombs.slice_type(65, 2) * 2 + bombs.message(65, b"\0\0"), "type 65 is defined twice"),
        (bombs.slice_type(2, 2) + bombs.message(2, b"\0\0"), "type 2 is defined twice, or is Go's"),
        (bombs.struct_type(65, [("A", 2), ("A", 2)]) + bombs.message(65, b"\0"), "one name"),
        (bombs.struct_type(65, [("A", 2)]) + bombs.message(65, b"\x02\x02\0"), "field 1 of a str"),
        (bombs.array_type(65, 2, 3) + bombs.message(65, b"\0\x02\x02\x02"), "2 elements of an arr"),
        (bombs.message(2, b"\0\xf0\x00"), "an integer of 16 bytes"),
        (bombs.message(-65, b"\0") + bombs.message(2, b"\0\x02"), "of 0 forms"),
        (bombs.message(6, b"\0\x09ab"), "a string of 9 bytes announced, 2 left"),
        (bombs.message(5, b"\0\x09ab"), "9 bytes announced, 2 left"),
        (b"not a gob, but a sentence of some length", "byte 0: a message of 110 bytes"),
    ],
)
def test_a_lie_is_answered_with_its_place_and_reason(data, why):
    with pytest.raises(ArgsDecodeError, match=r"^gob: byte \d+: ") as caught:
        gob.decode(data)

    assert any(part in str(caught.value) for part in why.split("|"))


def test_types_that_contain_themselves_decode():
    data = bombs.slice_type(65, 65) + bombs.message(65, b"\0\x02\x00\x01\x00")

    assert gob.decode(data) == [[], [[]]]


def test_a_long_form_of_zero_ends_a_struct_too():
    struct = bombs.struct_type(65, [("A", bombs.INT)])

    assert gob.decode(struct + bombs.message(65, b"\x01\x04\xff\0")) == {"A": 2}


def test_types_that_interfaces_define_are_told_apart_by_their_bytes():
    def stream(elem, value):
        body = b"\0\x01\x01n" + bombs.int_bytes(-66) + bombs.slice_body(66, elem)
        body += b"\x05" + bombs.int_bytes(66) + b"\x03\0\x01" + value
        return bombs.slice_type(65, bombs.ANY) + bombs.message(65, body)

    for _ in range(3):
        assert gob.decode(stream(bombs.INT, b"\x04")) == [[2]]
        assert gob.decode(stream(bombs.UINT, b"\x04")) == [[4]]
        assert gob.decode(stream(bombs.BOOL, b"\x01")) == [[True]]


def test_a_definition_that_failed_is_not_remembered():
    broken = bombs.slice_type(65, 2) + bombs.message(65, b"\0\x05\x02")
    for _ in range(2):
        with pytest.raises(ArgsDecodeError, match="5 elements announced, 1 byte left"):
            gob.decode(broken)


def test_threads_decode_streams_of_new_types_at_once():
    streams = [
        gob.encode([{"A": number, f"F{number}": [number]}], as_struct=True)
        for number in range(1, 301)
    ]
    failures = []

    def decode_all():
        for number, stream in enumerate(streams, 1):
            if gob.decode(stream) != [{"A": number, f"F{number}": [number]}]:
                failures.append(number)

    threads = [threading.Thread(target=decode_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
