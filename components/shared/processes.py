"""Start processes without a fork of this one, which would copy its threads' locks in whatever state they are.

Among them are gRPC's: its fork handler ends about one in sixty of such children with SIGABRT where a channel is open
(grpc/grpc#43055). Without a `preexec_fn`, `subprocess` starts the new program by vfork, and no handler runs.
"""

import os
import subprocess
import sys
from typing import Any

# In the new process, before it becomes the command: prctl(PR_SET_PDEATHSIG, SIGKILL) lasts, a parent that has gone has not.
STARTER = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, ctypes.c_ulong(9))
os.getppid() == int(sys.argv[1]) or os._exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def start(command: list[str], **further: Any) -> subprocess.Popen:
    """Start a command in a session of its own, which the kernel ends when the thread that started it ends.

    Its program is looked for in PATH. `further` are arguments of `Popen`, no `preexec_fn` among them.
    """
    starter = [sys.executable, "-I", "-S", "-c", STARTER, str(os.getpid())]
    return subprocess.Popen([*starter, *command], start_new_session=True, **further)
