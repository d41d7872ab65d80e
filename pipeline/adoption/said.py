"""What a person says of columns by --keep and --leave-out: refused where it would change nothing. Pure functions."""

from collections.abc import Sequence

from components.shared.errors import BadConfig, listed, shown
from pipeline.adoption.columns import parts_of_time
from pipeline.adoption.profiles import Profile
from pipeline.adoption.reasons import MAX_TEXT, Known


def check(profiles: Sequence[Profile], known: Known) -> None:
    """Raise BadConfig for a column that is not there, that cannot be kept, or that is the label."""
    names = [each.name for each in profiles]
    if unknown := sorted({*known.keep, *known.leave_out} - set(names)):
        raise BadConfig(f"--keep, --leave-out: there is no column {listed(unknown)}. Expected some of {listed(names)}.")
    if both := sorted(set(known.keep) & set(known.leave_out)):
        raise BadConfig(f"--keep and --leave-out both name {listed(both)}. Expected one of them.")
    if known.label in known.leave_out:
        raise BadConfig(f"--leave-out {known.label}: it is the label, which is never a feature. Leave out the flag.")
    for profile in profiles:
        if profile.name in known.keep and (why := unkeepable(profile, known, names)):
            raise BadConfig(f"--keep {profile.name}: {why}. Leave out the flag.")


def unkeepable(profile: Profile, known: Known, names: Sequence[str]) -> str:
    """Say why a column can be no feature, whatever a person says; empty if it can."""
    if profile.name == known.label:
        return "it is the label, which is never a feature"
    if profile.name == known.date:
        return "it is the date of a row; the time of day and the day of the week are features already, the date itself is none"
    if profile.distinct <= 1:
        value = f"it is {shown(profile.top[0][0])} in each row that has a value" if profile.top else "it is missing in all rows"
        return f"{value}. Expected two values or more: from one nothing is learned"
    if profile.type == "text" and profile.longest > MAX_TEXT:
        return f"it has texts of {profile.longest:,} characters. Expected {MAX_TEXT} or fewer, which is what a run reads"
    if profile.type == "time" and not parts_of_time(profile, names):
        return "it is a time without a time of day, and neither is its day of the week a feature. Expected a column of values"
    return ""
