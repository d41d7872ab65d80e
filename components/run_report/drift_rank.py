"""Rank drift checks by how far each is from its limit, so that different measures can be compared."""

from collections.abc import Iterable

from components.shared.drift_report import Check

ORDER = {"decayed": 0, "drifted": 1, "stable": 2}


def ratio(check: Check) -> float:
    """Return the change that was found as a multiple of the change that counts, 0 or more.

    A stable check may have more than 1: where a check has an interval, all of it must lie beyond the limit.
    """
    before = check.reference
    if before is None:  # a distance, which already is a change
        change = check.value
    elif check.measure == "AUC":
        change = before - check.value
    elif check.measure == "log loss":
        change = check.value - before
    elif check.measure == "calibration":
        change = abs(check.value - 1) - abs(before - 1)
    else:
        change = abs(check.value - before)
    if check.limit <= 0:  # any change counts
        return float("inf") if change > 0 else 0.0
    return max(0.0, change / check.limit)


def worst_first(checks: Iterable[Check]) -> list[Check]:
    """Sort by verdict, then by `ratio`."""
    return sorted(checks, key=lambda check: (ORDER[check.verdict], -ratio(check), check.name, check.measure))


def worst_by_feature(checks: Iterable[Check]) -> dict[str, Check]:
    """Pick the worst check of each feature's data, leaving out the label and the model as a whole."""
    found: dict[str, Check] = {}
    for check in worst_first(check for check in checks if check.kind == "data"):
        found.setdefault(check.feature, check)
    return found
