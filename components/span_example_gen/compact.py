"""Reads Thrift's compact protocol, in which a Parquet file describes itself, before Arrow believes what it says.

Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from collections.abc import Callable
from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
MAX_DEPTH = 16  # Parquet's own structures are less deep
MAX_SHIFT = 63  # bits
BITS = {I16: 16, I32: 32, I64: 64}


class Malformed(ValueError):
    """The bytes are no such structure, or end within it."""


DAMAGE = (Malformed, KeyError, TypeError, AttributeError)  # what a structure with other fields than expected leads to


def struct(data: bytes, start: int = 0, depth: int = 0) -> tuple[dict[int, Any], int]:
    """A structure, and where it ends.

    Args:
        data: what holds it.
        start: its first byte.
        depth: how many structures it is within.

    Returns:
        Its fields by number: bool, int, list, dict; of a binary field its length, of a map or a double None.

    Raises:
        Malformed: it is none, or `data` ends within it.
    """
    fields: dict[int, Any] = {}
    number, at = 0, start
    try:
        while header := data[at]:
            at += 1
            if header >> 4:
                number += header >> 4
            else:
                number, at = integer(data, at, I16)
            # Thrift would keep 16 bits of it, and the last of two: what is checked here must be what Arrow reads.
            if number in fields or number >= 1 << 15:
                raise Malformed(f"field {number} where it cannot be")
            kind = header & 15
            fields[number], at = (kind == TRUE, at) if kind in (TRUE, FALSE) else _value(data, at, kind, depth)
    except IndexError as error:
        raise Malformed("ends too early") from error
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (TRUE, FALSE, BYTE):  # the first two: in a list
        return data[at], at + 1
    if kind in BITS:
        return integer(data, at, kind)
    if kind == DOUBLE:
        return None, at + 8
    if kind == BINARY:
        length, at = varint(data, at)
        return length, at + length
    if kind not in _NESTED:
        raise Malformed(f"unknown type {kind}")
    if depth == MAX_DEPTH:
        raise Malformed("nested too deep")
    return _NESTED[kind](data, at, depth + 1)


def _list(data: bytes, at: int, depth: int) -> tuple[list, int]:
    count, kind = data[at] >> 4, data[at] & 15
    at += 1
    if count == 15:  # noqa: PLR2004 (the protocol's mark of a longer one)
        count, at = varint(data, at)
    if count > len(data) - at:
        raise Malformed("ends too early")
    values = []
    for _ in range(count):
        value, at = _value(data, at, kind, depth)
        values.append(value)
    return values, at


def _map(data: bytes, at: int, depth: int) -> tuple[None, int]:
    count, at = varint(data, at)
    if count > len(data) - at:
        raise Malformed("ends too early")
    if count:
        kinds = data[at]
        at += 1
        for _ in range(count):
            _, at = _value(data, at, kinds >> 4, depth)
            _, at = _value(data, at, kinds & 15, depth)
    return None, at


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number without a sign, and where it ends. Raises Malformed, IndexError."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 (the protocol's mark of the last one)
            return value, at
        shift += 7
        if shift > MAX_SHIFT:
            raise Malformed("a number of more than 64 bits")


def integer(data: bytes, at: int, kind: int) -> tuple[int, int]:
    """A number with a sign (zigzag), and where it ends. Raises Malformed, IndexError."""
    value, at = varint(data, at)
    if value >> BITS[kind]:
        raise Malformed(f"a number of more than {BITS[kind]} bits")
    return value >> 1 ^ -(value & 1), at


_NESTED: dict[int, Callable[[bytes, int, int], tuple[Any, int]]] = {LIST: _list, SET: _list, MAP: _map, STRUCT: struct}
