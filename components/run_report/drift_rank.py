"""How far each drift check is from its limit, so that checks of different measures can stand beside each other."""

from collections.abc import Iterable

from components.shared.drift_report import Check

ORDER = {"decayed": 0, "drifted": 1, "stable": 2}


def ratio(check: Check) -> float:
    """The change that was found over the change that counts, at least 0.

    It may pass 1 and the check be stable: where a check has an interval, the whole of it must lie beyond the limit.
    """
    before = check.reference
    if before is None:  # a distance, which is a change by itself
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
    """By verdict, then by `ratio`."""
    return sorted(checks, key=lambda check: (ORDER[check.verdict], -ratio(check), check.name, check.measure))


def worst_by_feature(checks: Iterable[Check]) -> dict[str, Check]:
    """The worst check of each feature's data; what concerns the label or the model as a whole is left out."""
    found: dict[str, Check] = {}
    for check in worst_first(check for check in checks if check.kind == "data"):
        found.setdefault(check.feature, check)
    return found
