"""When a cron expression is due."""

import datetime

from cronsim import CronSim, CronSimError


def is_ever_due(expression: str) -> bool:
    """Tell whether a cron expression is ever due; a schedule of one that is not would wait for ever in silence.

    Args:
        expression: five fields, or six with seconds first. Anything else is never due.

    >>> is_ever_due("0 3 1 * *"), is_ever_due("0 3 31 2 *")
    (True, False)
    """
    try:
        return next(CronSim(expression, datetime.datetime.now(datetime.UTC)), None) is not None
    except CronSimError:
        return False
