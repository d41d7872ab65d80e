"""A Beam worker in this environment, and the runner that starts `workers` of it on this machine.

Beam's own worker unpickles code before anything of ours is imported, and tfx patches the libraries below it when it is
imported. An engine runs this module, and says in Beam's environment variables where to connect to.
"""

import sys

import tfx  # noqa: F401  # first
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.runners.worker import sdk_worker_main
from apache_beam.transforms.environments import SubprocessSDKEnvironment

COMMAND = (sys.executable, "-m", "pipeline.beam.worker")


class MultiProcessingRunner(FnApiRunner):
    """Beam's FnApiRunner with this module as its worker processes, `--direct_num_workers` of them."""

    def __init__(self) -> None:
        super().__init__(default_environment=SubprocessSDKEnvironment.from_command_string(" ".join(COMMAND)))


if __name__ == "__main__":
    sdk_worker_main.main(sys.argv)
