"""Why a column is no feature, or one to look at twice: it names the row, says nothing, or knows the label. Pure functions."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from components.shared.errors import listed
from pipeline.adoption.profiles import Profile

MAX_TEXT, WORDS = 256, 4  # bytes that a category may have; words from which on texts are sentences
FEW = 20  # values that name no row
MAX_CODES, OF_A_FEW = 1_000, 0.05  # distinct integers that may be codes; with more, share of rows from which on an ID is one
OF_ITS_OWN, UNIQUE = 0.5, 0.98  # shares of rows with a value of their own, from which on a text names the row, or an integer
RARELY = 0.99  # share of missing values from which on a column says nothing
LEAK, SUSPECT = 0.995, 0.95  # AUC of a column alone
OF_THE_LABEL = 0.8  # the same for a column of which the label is made
Sure = Literal["sure", "likely", "a guess"]
CALLED_SO = re.compile(r"(?i:(^|_)(id|uuid|guid)$)|[a-z0-9](ID|Id)$")  # not: paid, grid
IDENTIFIER = re.compile(CALLED_SO.pattern + r"|(?i:(^|_)(key|index|row|number|no|nr|serial)$|^c_?0$|^column0+$)")


@dataclass(frozen=True)
class LeftOut:
    """A column that no model sees."""

    name: str
    why: str
    sure: Sure = "sure"


@dataclass(frozen=True)
class Known:
    """What is known of the columns beside their profiles."""

    label: str
    date: str
    in_label: Collection[str] = ()  # columns of which the label is computed
    alone: Mapping[str, float] = field(default_factory=dict)  # AUC of a column that is the only one
    measure: str = "AUC"  # what that is
    one_way: Mapping[str, str] = field(default_factory=dict)  # columns that are missing, or there, only for one label; how
    summands: Collection[str] = ()  # columns that together add up to the label
    time_told: Mapping[str, str] = field(default_factory=dict)  # columns that go with the time; how
    doubts: Mapping[str, str] = field(default_factory=dict)  # columns that a person looks at; why
    keep: Collection[str] = ()  # as a person says
    leave_out: Collection[str] = ()


def unfit(profile: Profile, known: Known) -> LeftOut | None:
    """Say why a column cannot be a feature; None if it can."""
    name = profile.name
    if name in known.leave_out:
        return LeftOut(name, "as you say")
    if profile.distinct <= 1:
        return LeftOut(name, f"constant: {profile.top[0][0]}" if profile.top else "missing in all rows")
    if name in known.keep:
        return None
    if profile.missing_share > RARELY:
        return LeftOut(name, f"missing in {profile.missing_share:.2%} of rows")
    if why := knows_the_label(name, known) or numbers_the_row(profile) or names_the_row(profile):
        return why
    return LeftOut(name, known.time_told[name], "likely") if name in known.time_told else None


def knows_the_label(name: str, known: Known) -> LeftOut | None:
    """Say how a column gives the label away; None if it does not."""
    alone = known.alone.get(name, 0.5)
    if alone >= LEAK:
        return LeftOut(
            name, f"alone it ranks the label with {known.measure} {alone:.3f}: a copy of it, or known only after it", "likely"
        )
    if name in known.in_label and alone >= OF_THE_LABEL:
        ranks = f"alone it ranks the label with {known.measure} {alone:.3f}"
        return LeftOut(name, f"the label is computed from it, and {ranks}", "likely")
    if name in known.summands:
        others = listed([each for each in known.summands if each != name])
        sums = f"with {others} it adds up to the label" if others else "it is the label times a factor"
        return LeftOut(name, f"{sums}, so it is known only when the label is", "likely")
    if how := known.one_way.get(name):
        return LeftOut(name, how, "likely")
    return None


def numbers_the_row(profile: Profile) -> LeftOut | None:
    """Say why an integer is the row's number; None if it is a quantity."""
    there = profile.rows - profile.missing
    own = profile.distinct / max(there, 1)
    least = OF_A_FEW if CALLED_SO.search(profile.name) and profile.distinct > MAX_CODES else OF_ITS_OWN
    if profile.type != "integer" or own <= least or profile.low is None or profile.high is None:
        return None
    is_sequence = own > UNIQUE and profile.high - profile.low < there / UNIQUE
    if is_sequence or (own > UNIQUE and IDENTIFIER.search(profile.name)):
        return LeftOut(profile.name, "an identifier: each row has a number of its own")
    if IDENTIFIER.search(profile.name):
        return LeftOut(profile.name, f"an identifier, by its name and {profile.distinct:,} values", "likely")
    return None


def names_the_row(profile: Profile) -> LeftOut | None:
    """Say why a text tells rows apart, rather than what they are like; None if it is a category."""
    there = profile.rows - profile.missing
    own = profile.distinct / max(there, 1)
    if profile.type != "text":
        return None
    if profile.longest > MAX_TEXT or profile.words >= WORDS:
        return LeftOut(
            profile.name, f"free text, of {profile.words:.0f} words on average and {profile.longest} characters at most"
        )
    if own > OF_ITS_OWN and profile.distinct > FEW:
        return LeftOut(profile.name, f"an identifier: {profile.distinct:,} texts in {there:,} rows")
    return None


def suspicion(name: str, known: Known) -> str:
    """Say why a person should look at a feature, such as that it ranks the label nearly as a copy does; empty if nothing is."""
    alone = known.alone.get(name, 0.5)
    copy = (
        f"alone it ranks the label with {known.measure} {alone:.3f}: check that it is known before the outcome"
        if alone >= SUSPECT
        else ""
    )
    return "; ".join(filter(None, (copy, known.doubts.get(name, ""))))
