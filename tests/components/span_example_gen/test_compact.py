"""Structures of Thrift's compact protocol, as Parquet has them and as it never would."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.span_example_gen import compact
from tests.data.crafted import BINARY, I32, LIST, STRUCT, integer, listed, structure, varint


def test_fields_are_read_by_number():
    inner = structure({1: (I32, -7)})
    data = structure(
        {1: (I32, 2**31 - 1), 4: (BINARY, b"name"), 10: (LIST, listed(STRUCT, [inner, inner])), 11: (STRUCT, inner)}
    )
    assert compact.struct(data) == ({1: 2**31 - 1, 4: 4, 10: [{1: -7}, {1: -7}], 11: {1: -7}}, len(data))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "ends too early"),
        (structure({1: (I32, 5)})[:-1], "ends too early"),
        (structure({1: (BINARY, b"abc")})[:3], "ends too early"),
        (bytes([0x19, 0xFC]) + varint(2**31), "ends too early"),
        (bytes([0x15]) + integer(2**31), "a number of more than 32 bits"),
        (bytes([0x15]) + b"\xff" * 11, "a number of more than 64 bits"),
        (bytes([0x15]) + integer(1) + bytes([0x05]) + integer(1) + integer(2), "field 1 where it cannot be"),
        (bytes([0x05]) + integer(65_538) + integer(2), "a number of more than 16 bits"),
        (bytes([0x1F]), "unknown type 15"),
        (bytes([0x1C]) * 100, "nested too deep"),
    ],
)
def test_what_arrow_would_read_otherwise_is_refused(data, message):
    with pytest.raises(compact.Malformed, match=message):
        compact.struct(data)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_a_structure_or_refused(data):
    try:
        fields, end = compact.struct(data)
    except compact.Malformed:
        return
    assert isinstance(fields, dict)
    assert 0 < end <= len(data)
