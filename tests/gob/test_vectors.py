import pytest

from tasq_core.args import gob
from tasq_core.errors import ArgsDecodeError
from tests.gob import vectors

VECTORS = vectors.load()
ROWS = [row for row in vectors.rows() if row[1].get("args_hex")]


@pytest.mark.parametrize("vector", VECTORS, ids=[one["name"] for one in VECTORS])
def test_decode_gives_what_go_encoded(vector):
    value = gob.decode(vector["raw"])

    if vector["name"] == "struct_keys":
        assert value == {"M": {(("A", 1), ("B", 2)): "v"}}
    else:
        assert vectors.fits(value, vector["value"]), value


@pytest.mark.parametrize("vector", VECTORS, ids=[one["name"] for one in VECTORS])
def test_decode_is_the_same_the_second_time_when_the_types_are_cached(vector):
    assert repr(gob.decode(vector["raw"])) == repr(gob.decode(vector["raw"]))


@pytest.mark.parametrize("vector", VECTORS, ids=[one["name"] for one in VECTORS])
def test_decode_ignores_what_follows_the_first_value(vector):
    assert repr(gob.decode(vector["raw"] + b"\xff\xff")) == repr(gob.decode(vector["raw"]))


@pytest.mark.parametrize("vector", VECTORS, ids=[one["name"] for one in VECTORS])
def test_inspect_holds_the_plain_value_at_every_leaf(vector):
    def plain(shown):
        if isinstance(shown.value, dict):
            return {key: plain(part) for key, part in shown.value.items()}
        if isinstance(shown.value, list):
            return [plain(part) for part in shown.value]
        return shown.value

    assert repr(plain(gob.inspect(vector["raw"]))) == repr(gob.decode(vector["raw"]))


@pytest.mark.parametrize("row", [row for _, row in ROWS], ids=[name for name, _ in ROWS])
def test_args_of_rows_stored_by_go_decode(row):
    value = gob.decode(bytes.fromhex(row["args_hex"]))

    assert value is not None


def test_every_truncated_vector_is_refused():
    for vector in VECTORS:
        raw = vector["raw"]
        for end in range(0, len(raw), max(1, len(raw) // 200)):
            with pytest.raises(ArgsDecodeError, match=r"^gob: byte \d+: "):
                gob.decode(raw[:end])
