"""When a cron expression is due."""

import datetime

from cronsim import CronSim, CronSimError


def is_ever_due(expression: str) -> bool:
    """Whether any date fits: the 31st of February does not, and a schedule of it would wait for ever in silence.

    Args:
        expression: five fields, or six with seconds first. Anything that is no cron expression is never due.
    """
    try:
        return next(CronSim(expression, datetime.datetime.now(datetime.UTC)), None) is not None
    except CronSimError:
        return False
