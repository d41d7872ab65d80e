"""Find the decimal mark of a CSV file: a comma in a number may be one, or separate thousands."""

import pyarrow as pa
import pyarrow.compute as pc

from components.shared import values
from components.shared.words import shown

DECIMAL_COMMA = r"^\s*[+-]?\d*,\d+\s*$"
MAYBE_THOUSANDS = r"^\s*[+-]?[1-9]\d{0,2},\d{3}\s*$"
POINT = r"\.(\d\d|[1-9])"  # 1.0 is an integer in any file


class Commas:
    """The decimal mark of a file: the same in all its numbers, none of which separates thousands, which would look alike."""

    def __init__(self, numbers: list[str]):
        self._numbers = numbers
        self._is_sure = self._has_points = self._has_commas = False

    def replaced(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch with points. Raises Unfit where a comma may mean either."""
        found = {name: batch.column(name) for name in self._numbers}
        commas = {name: column for name, column in found.items() if _any(pc.match_substring(column, ","))}
        points = {name: column for name, column in found.items() if _any(pc.match_substring_regex(column, POINT))}
        self._has_points, self._has_commas = self._has_points or bool(points), self._has_commas or bool(commas)
        if self._has_points and self._has_commas:
            name, column, mark = next((*item, mark) for some, mark in ((commas, ","), (points, POINT)) for item in some.items())
            row = pc.index(pc.match_substring_regex(column, mark), True).as_py()
            raise values.Unfit(
                row,
                f"column {name} is {shown(repr(column[row].as_py()))}, and the file has numbers with a comma and with a point; "
                "expected one decimal mark, and no separator of thousands",
            )
        for column in commas.values():
            is_thousands = pc.match_substring_regex(column, MAYBE_THOUSANDS)
            self._is_sure = self._is_sure or _any(pc.and_not(pc.match_substring_regex(column, DECIMAL_COMMA), is_thousands))
        if commas and not self._is_sure:
            name, column = next(iter(commas.items()))
            row = pc.index(pc.match_substring(column, ","), True).as_py()
            raise values.Unfit(
                row,
                f"column {name} is {shown(repr(column[row].as_py()))}: a decimal comma, or a separator of thousands? "
                "Expected a number such as 1.5 or 1500",
            )
        with_points = {
            name: pc.replace_substring_regex(column, "^([^,]*),([^,]*)$", r"\1.\2") for name, column in commas.items()
        }
        return pa.record_batch({name: with_points.get(name, batch.column(name)) for name in batch.schema.names})


def _any(found: pa.BooleanArray) -> bool:
    return bool(pc.any(found).as_py())
