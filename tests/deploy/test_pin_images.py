"""``deploy/pin-images`` with a program on the path that answers as docker does; no registry is asked."""

import re
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from tests.deploy.compose import ROOT

FILES = ["Dockerfile", "docker-compose.yml", "docker-compose.own.yml", "deploy/pin-images"]
IMAGE = re.compile(r"^(?:\s*(?:- )?image:|FROM) (\S+)", re.M)
_DOCKER = """#!/bin/sh
[ "$1 $2 $3 $4 $5" = "buildx imagetools inspect --format {{.Manifest.Digest}}" ] || exit 2
%s
echo "sha256:$(printf %%s "$6" | sha256sum | cut -d' ' -f1)"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that name images, with a Deployment beside them that uses somebody else's."""
    shutil.copytree(ROOT / "deploy/kubernetes", tmp_path / "checkout/deploy/kubernetes")
    for file in FILES:
        shutil.copy(ROOT / file, tmp_path / "checkout" / file)
    containers = (
        "containers:\n  - image: example/one:1.0\n    name: one\n  - name: two\n    image: example/two:2.0 # two\n"
    )
    (tmp_path / "checkout/deploy/kubernetes/more.yaml").write_text(containers)
    return tmp_path / "checkout"


def pin(checkout: Path, trouble: str = "") -> subprocess.CompletedProcess[str]:
    programs = checkout.parent / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "docker").write_text(_DOCKER % trouble)
    (programs / "docker").chmod(0o755)
    given = {"PATH": f"{programs}:/usr/bin:/bin"}
    return subprocess.run([checkout / "deploy/pin-images"], env=given, cwd="/", capture_output=True, text=True)


def texts(checkout: Path) -> dict[str, str]:
    return {str(file.relative_to(checkout)): file.read_text("utf-8") for file in checkout.rglob("*") if file.is_file()}


def test_every_image_gets_the_digest_of_its_tag_and_nothing_else_changes(checkout: Path) -> None:
    before = texts(checkout)

    done = pin(checkout)

    assert done.returncode == 0, done.stderr
    for file, text in texts(checkout).items():
        old, new = before[file].splitlines(), text.splitlines()
        assert len(old) == len(new)
        for was, is_ in zip(old, new, strict=True):
            name = match[1].partition("@")[0] if (match := IMAGE.match(was)) else "system-status:"
            if name.startswith("system-status:"):
                assert is_ == was
            else:
                pinned = f"{name}@sha256:{sha256(name.encode()).hexdigest()}"
                assert is_ == was.replace(match[1] if match else "", pinned)
    assert all(text.endswith("\n") for text in texts(checkout).values())
    assert (checkout / "deploy/kubernetes/more.yaml").read_text().count("@sha256:") == 2


def test_a_second_time_nothing_changes(checkout: Path) -> None:
    assert pin(checkout).returncode == 0
    before = texts(checkout)

    assert pin(checkout).returncode == 0

    assert texts(checkout) == before


@pytest.mark.parametrize(
    "trouble",
    [
        'case "$6" in prom/*) echo "no such tag" >&2; exit 1;; esac',
        'case "$6" in prom/*) echo "<no value>"; exit 0;; esac',
    ],
    ids=["a registry that refuses", "an answer that is no digest"],
)
def test_without_every_digest_no_file_changes(checkout: Path, trouble: str) -> None:
    before = texts(checkout)

    done = pin(checkout, trouble)

    assert done.returncode == 1
    assert "no such tag" in done.stderr or "prom/alertmanager" in done.stderr
    assert texts(checkout) == before
