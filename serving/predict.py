"""Ask a model server for its answers to rows in a file."""

import argparse
import sys

from rich.console import Console

from components.shared import json_rows, problem_folder, table_columns
from components.shared.command_line import ended, file, whole
from data import DEFAULT_PROBLEM


def main(arguments: list[str] | None = None) -> int:
    """Return an `Exit`."""
    parser = argparse.ArgumentParser(prog="python -m serving.predict", description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--json", type=file, help="a row as an object of field to value, a list of rows, or a request body")
    source.add_argument("--csv", type=file, help="rows with a header; they are printed with a column more, or one a class")
    parser.add_argument("--missing", action="append", default=[], help="also means a missing value in --csv, unless quoted")
    parser.add_argument("--server", default="http://127.0.0.1:8501", help="http:// or grpc:// (default: %(default)s)")
    problem_folder.add_option(parser, DEFAULT_PROBLEM)
    parser.add_argument("--model", help="its name (default: the problem's)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--version", type=whole, help="of the model (default: the newest)")
    which.add_argument("--label", default="", help="of the version, such as stable or canary")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True, stderr=True)
    return ended(lambda: answer(options), console)


def answer(options: argparse.Namespace) -> None:
    """Print the answers. Raises BadData for a row, Refused when the server says no."""
    with table_columns.explained(options.problem):
        _answer(options)


def _answer(options: argparse.Namespace) -> None:
    from components.shared import answers  # noqa: PLC0415  # NumPy
    from serving import client, rows  # noqa: PLC0415  # pandas: --help answers without

    name = options.model or problem_folder.model_name(options.problem)
    target = client.Target(options.server, name, options.version, options.label)
    with client.connect(target) as server:
        frame = rows.from_csv(options.csv, server.inputs(), options.missing) if options.csv else None
        found = server.predict(json_rows.read(options.json) if frame is None else frame)
        output, classes = server.output(), server.classes() if found.ndim > 1 else []
        if frame is None:
            for each in found:
                print(answers.in_words(each, output, classes))  # noqa: T201
        else:
            frame = frame.assign(**answers.columns(found, answers.names(output, classes)))
            frame.to_csv(sys.stdout, index=False, float_format="%.9g")


if __name__ == "__main__":
    sys.exit(main())
