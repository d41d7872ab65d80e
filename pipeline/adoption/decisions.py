"""What was decided of a table and why, as a file of the problem's folder that the review reads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from components.shared.table_columns import DECISIONS as FILE
from pipeline.adoption.folder import Adopted
from pipeline.adoption.reasons import LeftOut


@dataclass(frozen=True)
class Decisions:
    """The decisions that problem.toml and the schema do not tell."""

    source: str
    label: str  # in words
    label_is: str  # its SQL, where it is no column
    without_label: int  # rows that are left out
    why_undated: str
    spans_left_out: str  # why some are; empty: none is
    features: Sequence[LeftOut]  # those with a reason, and how sure it is
    left_out: Sequence[LeftOut]
    loosened: Sequence[str]  # limits of the schema
    made_of: Mapping[str, str] = field(
        default_factory=dict
    )  # of each feature that is no column as it is, what it is of the table


def of(adopted: Adopted, loosened: Sequence[str], old_names: Mapping[str, str]) -> Decisions:
    """Collect the decisions of a table, some of whose columns are called otherwise now: `old_names`, new to old."""
    label = f"{adopted.target.task.name}, {adopted.target.values} ({adopted.target.sure})"
    return Decisions(
        adopted.source,
        ". ".join(filter(None, (label, adopted.lost_digits.removesuffix(".")))),
        adopted.label_is,
        adopted.without_label,
        adopted.why_undated,
        f"{len(adopted.periods.left_out)}: {adopted.periods.why_left_out}" if adopted.periods.left_out else "",
        [LeftOut(each.name, each.why, each.sure) for each in adopted.chosen if each.why],
        adopted.left_out,
        loosened,
        {each.name: each.made_of or old_names[each.name] for each in adopted.chosen if each.made_of or each.name in old_names},
    )


def write(decisions: Decisions, folder: Path) -> None:
    """Write the decisions to the problem's folder."""
    (folder / FILE).write_text(json.dumps(asdict(decisions), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(folder: Path) -> Decisions | None:
    """Read the decisions of a problem's folder; None where a person wrote it."""
    if not (folder / FILE).is_file():
        return None
    found = json.loads((folder / FILE).read_text(encoding="utf-8"))
    lists = {name: [LeftOut(**each) for each in found[name]] for name in ("features", "left_out")}
    return Decisions(**found | lists)
