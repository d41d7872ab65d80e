"""Show words of a file or a user in a message."""

from collections.abc import Collection

MAX_SHOWN = 300  # characters of a file's own words in a message
MAX_NAMES = 30  # of columns in a message


def shown(text: str, most: int = MAX_SHOWN) -> str:
    """Prepare `text` for a terminal: what cannot be printed is escaped, and what follows `most` characters is cut."""
    printable = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[:most])
    return printable + ("…" if len(text) > most else "")


def listed(names: Collection[str]) -> str:
    """List column names for a message, only the first if they are many."""
    first = ", ".join(shown(name, 60) or '"" (without a name)' for name in list(names)[:MAX_NAMES])
    return first + (f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else "")
