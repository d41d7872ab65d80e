"""Show the newest run in TFX's own viewers, each as a page that any browser opens: no notebook is needed.

Both pages load their viewer's drawing code from the internet, in the browser that shows them: Facets from
cdnjs.cloudflare.com and raw.githubusercontent.com, TFMA's charts from www.gstatic.com. Without it the page of TFMA shows
its figures as tables; the page of Facets stays empty.
"""

import argparse
import html
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from components.shared.command_line import ended, quiet_stderr
from components.shared.commands import make
from components.shared.errors import BadConfig, RootUnusable
from components.shared.files import temporary_folder
from components.shared.nodes import Output
from pipeline.shared import command_line

SPLITS = ("train", "eval")
TEMPLATE = Path(__file__).parent / "tfma_view.html.j2"
VIEWS = {  # view -> what it shows, and what it reads
    "facets": ("statistics of the training rows beside those of the evaluation rows", Output.STATISTICS),
    "tfma": ("metrics by slice and the calibration plot", Output.EVALUATION),
}


def main(arguments: list[str] | None = None) -> int:
    """Return an `Exit`: DONE when the page is written."""
    about, _, note = str(__doc__).partition("\n\n")
    parser = command_line.parser("pipeline.views", about, epilog=note)
    parser.add_argument("view", choices=VIEWS, help="; ".join(f"{name}: {does}" for name, (does, _) in VIEWS.items()))
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    return ended(lambda: act(options, console), console)


def act(options: argparse.Namespace, console: Console) -> None:
    """Write the page and says where. Raises CrosswindError."""
    config = command_line.load(options)
    run, page = write(config.root, options.view, config.named)
    console.print(f"Run {run}: {page}", markup=False)


def write(root: Path, view: str, problem: str = "") -> tuple[str, Path]:
    """Write `views/<view>.html` in a problem's root. Returns the run's name and the page. Raises BadConfig, RootUnusable."""
    run, folder = newest(root, view, problem)
    with quiet_stderr():
        text = {"facets": facets, "tfma": tfma}[view](run, folder)
    page = root / "views" / f"{view}.html"
    try:
        with temporary_folder(page.parent) as beside:
            (beside / page.name).write_text(text, encoding="utf-8")
            (beside / page.name).replace(page)
    except OSError as error:
        raise RootUnusable(f"{page} cannot be written: {error}. Expected a writable folder.") from error
    return run, page


def newest(root: Path, view: str, problem: str = "") -> tuple[str, Path]:
    """Find the newest run that left what a view shows: its name and artifact folder. Raises BadConfig if there is none."""
    from components.shared import trace  # noqa: PLC0415  # ML Metadata

    _, shown = VIEWS[view]
    metadata = root / "metadata.db"
    if metadata.exists():
        store = trace.open_store(metadata)
        for run in reversed(trace.runs(store)):
            artifact = trace.read(store, run).output(shown)
            if artifact and Path(artifact.uri).is_dir():
                return run, Path(artifact.uri)
    raise BadConfig(
        f"{root} holds no run with {shown.node}'s {shown.key}; expected one in {metadata}, which "
        f"`{make('run', problem)}` writes. Or name a --root."
    )


def facets(run: str, folder: Path) -> str:
    """Make Facets Overview of the two splits, as TFDV embeds it in a notebook."""
    import tensorflow_data_validation as tfdv  # noqa: PLC0415
    from tensorflow_data_validation.utils.display_util import get_statistics_html  # noqa: PLC0415

    train, evaluation = (tfdv.load_stats_binary(str(folder / f"Split-{split}" / "FeatureStats.pb")) for split in SPLITS)
    widget = get_statistics_html(train, evaluation, *SPLITS)
    head = f'<meta charset="utf-8">\n<title>Facets: run {run}</title>\n<style>iframe {{ border: 0; min-height: 95vh; }}</style>'
    return f'<!doctype html>\n<html lang="en">\n{head}\n{widget}\n</html>\n'


def tfma(run: str, folder: Path) -> str:
    """Make TFMA's view of the candidate against production."""
    from tensorflow_model_analysis import load_eval_result  # noqa: PLC0415  # TensorFlow

    from components.shared import tfma_results  # noqa: PLC0415

    result = load_eval_result(str(folder), model_name=tfma_results.CANDIDATE)
    if not result.slicing_metrics:
        result = load_eval_result(str(folder))  # TFMA drops the name of a model that was evaluated alone
    return tfma_page(run, result, tfma_results.metrics(str(folder)))


def tfma_page(run: str, result: Any, models: Mapping[str, Any]) -> str:
    """Fill a page with TFMA's web components, as `tfma.view` does, and with the same metrics as tables.

    Args:
        run: its name.
        result: the `tfma.EvalResult` of the candidate.
        models: model to slice to metric to value.
    """
    import tensorflow_model_analysis  # noqa: PLC0415
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415
    from markupsafe import Markup  # noqa: PLC0415
    from tensorflow_model_analysis.view import util  # noqa: PLC0415

    # Escaped here: TFMA has its table read the name of a slice, which comes from the data, as HTML.
    names = [html.escape(util.slicer.stringify_slice_key(key), quote=False) for key, _ in result.slicing_metrics]
    slices = [{"slice": name, "metrics": found} for name, (_, found) in zip(names, result.slicing_metrics, strict=True)]
    plot, plot_config = util.get_plot_data_and_config(result.plots, util.slicer.SingleSliceSpec())
    widgets = {
        "tfma-nb-slicing-metrics": {"config": util.get_slicing_config(result.config), "data": slices},
        "tfma-nb-plot": {"config": plot_config, "data": plot},
    }
    script = Path(tensorflow_model_analysis.__file__).parent / "static" / "vulcanized_tfma.js"
    code = Markup(script.read_text(encoding="utf-8"))  # noqa: S704 the package's own file
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(run=run, script=code, widgets=widgets, models=models, figure=figure)


def figure(value: float) -> str:
    """Write a number with three decimals, a whole one without.

    >>> figure(8862.0), figure(0.71284)
    ('8,862', '0.713')
    """
    return f"{value:,.3f}".removesuffix(".000")


if __name__ == "__main__":
    sys.exit(main())
