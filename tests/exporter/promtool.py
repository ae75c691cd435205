"""Prometheus' own tool, which knows what a page should look like."""

import shutil
import subprocess
from pathlib import Path

import pytest

_UNPACKED = Path(__file__).parents[2] / ".tools/prometheus/usr/bin/promtool"


def promtool() -> str:
    """The path of promtool; a test that needs it fails without it."""
    found = shutil.which("promtool") or shutil.which(_UNPACKED)
    if found is None:
        pytest.fail("promtool isn't there: `make test` fetches it")
    return found


def complaints(page: str) -> str:
    """What ``promtool check metrics`` says about a page: nothing, when all is well."""
    result = subprocess.run([promtool(), "check", "metrics"], input=page, capture_output=True, text=True)
    said = result.stdout + result.stderr
    return said or ("" if result.returncode == 0 else f"exit code {result.returncode}")
