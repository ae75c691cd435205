"""A service of the compose stack, run here: its command and environment to the letter, but for where things are."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ENTRYPOINT = [sys.executable, "-m"]
"""As the Dockerfile has it; a test compares."""

_PATIENCE = 60.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def environment(service: Mapping[str, Any], secrets: Path, **changed: str) -> dict[str, str]:
    """What *service* is given, with its secrets in the folder *secrets*, and what has to differ here."""
    given = {name: value.replace("/run/secrets", str(secrets)) for name, value in service["environment"].items()}
    return {"PATH": os.environ["PATH"], "HOME": str(secrets), **given, **changed}


def complete(command: list[str], environment: Mapping[str, str]) -> str:
    """Run what ends by itself; what it said."""
    done = subprocess.run(command, env=dict(environment), cwd="/", capture_output=True, text=True, timeout=_PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def running(command: list[str], environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run what goes on; it has to end cleanly when it is told to."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=dict(environment), cwd="/", stdout=output, stderr=output)
    try:
        yield process
        assert process.poll() is None, log.read_text()
        process.terminate()
        assert process.wait(20) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def well(command: list[str], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a health check, a command, says that *process* is well."""
    end = time.monotonic() + _PATIENCE
    while subprocess.run(command, capture_output=True).returncode:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.2)
