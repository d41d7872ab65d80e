"""The DAG with every node, as tests of all nodes look at it."""

from functools import cache

from pipeline import config, dag


@cache
def nodes(validator: str) -> list:
    """Its nodes, not to be changed, with one of the two checks of a server."""
    overrides = ["batch.bulk_inferrer=true", f"canary.validator={validator}"]
    return dag.create_pipeline(config.load(overrides=overrides), "2013-03", trials=1).components
