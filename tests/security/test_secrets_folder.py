"""``deploy/secrets.sh``, where the folder of the secrets is there already and somebody else had a hand in it."""

import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_STRANGER = pwd.getpwnam("nobody")
_WRITTEN = 9


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy/secrets.sh", tmp_path / "deploy")
    return tmp_path


def make(checkout: Path, umask: int = 0) -> subprocess.CompletedProcess[str]:
    """Run it; *umask* is the widest there is, if not another."""
    return subprocess.run(
        ["sh", checkout / "deploy/secrets.sh"], capture_output=True, text=True, check=False, umask=umask, cwd="/"
    )


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_only_its_owner_opens_the_folder_of_the_secrets(checkout: Path, umask: int) -> None:
    made = make(checkout, umask)

    assert (made.returncode, made.stderr) == (0, "")
    assert mode(checkout / ".secrets") == 0o700
    # A container's user, who isn't the owner, reads the file that is mounted, and never passes through the folder.
    assert {mode(file) for file in (checkout / ".secrets").iterdir()} == {0o644}


@pytest.mark.parametrize("before", [0o755, 0o750, 0o777, 0o701, 0o1777])
def test_a_folder_of_secrets_that_was_open_to_others_is_closed(checkout: Path, before: int) -> None:
    (checkout / ".secrets").mkdir()
    (checkout / ".secrets").chmod(before)

    made = make(checkout)

    assert made.returncode == 0, made.stderr
    assert mode(checkout / ".secrets") == 0o700
    assert "others could open .secrets" in made.stderr
    assert len([*(checkout / ".secrets").iterdir()]) == _WRITTEN


def test_no_secret_is_written_through_a_link(checkout: Path) -> None:
    (checkout / "elsewhere").mkdir()
    (checkout / ".secrets").symlink_to("elsewhere")

    made = make(checkout)

    assert made.returncode == 1
    assert ".secrets is a link" in made.stderr
    assert [*(checkout / "elsewhere").iterdir()] == []


@pytest.mark.parametrize("name", ["owner_password", "control_url"])
@pytest.mark.parametrize("leads", ["to a file", "nowhere", "to a pipe"])
def test_a_link_or_a_pipe_in_place_of_a_secret_is_refused(checkout: Path, name: str, leads: str) -> None:
    (checkout / ".secrets").mkdir(0o700)
    (checkout / "other").write_text("before")
    if leads == "to a pipe":
        os.mkfifo(checkout / ".secrets" / name)
    else:
        (checkout / ".secrets" / name).symlink_to(checkout / ("other" if leads == "to a file" else "missing"))

    made = make(checkout)

    assert made.returncode == 1
    assert f".secrets/{name} isn't a file of yours" in made.stderr
    assert (checkout / "other").read_text() == "before"
    assert not (checkout / "missing").exists()


if os.geteuid() == 0:  # who alone can give a file away

    @pytest.mark.parametrize("theirs", [".secrets", ".secrets/exporter_password"])
    def test_a_file_or_folder_of_somebody_else_is_never_taken_for_a_secret(checkout: Path, theirs: str) -> None:
        (checkout / ".secrets").mkdir(0o755)
        (checkout / ".secrets/exporter_password").write_text("known to a stranger")
        os.chown(checkout / theirs, _STRANGER.pw_uid, _STRANGER.pw_gid)

        made = make(checkout)

        assert made.returncode == 1
        assert re.search("belongs to somebody else|isn't a file of yours", made.stderr)
        assert {file.name for file in (checkout / ".secrets").iterdir()} <= {"exporter_password", "owner_password"}


def test_without_randomness_no_secret_is_empty(checkout: Path) -> None:
    script = checkout / "deploy/secrets.sh"
    script.write_text(script.read_text().replace("/dev/urandom |", "/dev/null |"))

    made = make(checkout)

    assert made.returncode == 1
    assert "no random bytes" in made.stderr
    assert [*(checkout / ".secrets").iterdir()] == []
