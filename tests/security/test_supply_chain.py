"""Packages and images from elsewhere: each has one version, and is known by its content."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
OBAN = "demo/engines/oban/requirements.lock"
NPM_LOCKS = [file for depth in ("[a-z]*/*", "[a-z]*/*/*") for file in ROOT.glob(f"{depth}/package-lock.json")]

_ENTRY = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[\w.+!]+)(?: ; (?P<marker>.+))?$")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class Locked:
    """A package in a lock file."""

    version: str
    marker: str
    hashes: tuple[str, ...]

    def is_for_here(self) -> bool:
        return not self.marker or Marker(self.marker).evaluate()


def locked(file: str) -> dict[str, Locked]:
    """The packages of a lock file, which has nothing but them in it."""
    found: dict[str, Locked] = {}
    for entry in (ROOT / file).read_text("utf-8").replace("\\\n", "").splitlines():
        requirement, *hashes = re.split(r" +(?=--)", entry)
        match = _ENTRY.match(requirement.strip())
        assert match, entry
        assert all(_HASH.match(hash_) for hash_ in hashes), entry
        found[canonicalize_name(match["name"])] = Locked(match["version"], match["marker"] or "", tuple(hashes))
    return found


def needed(requirements: Iterable[str], extras: Iterable[str] = ("",)) -> Iterator[Requirement]:
    """The requirements that count here, with those of the packages that they name, by what these are installed with."""
    seen = set()
    waiting = [(text, tuple(extras)) for text in requirements]
    while waiting:
        text, asked = waiting.pop()
        requirement = Requirement(text)
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in asked):
            continue
        own, chosen = canonicalize_name(requirement.name) == PROJECT["project"]["name"], ("", *requirement.extras)
        if not own:
            yield requirement
        if (key := (requirement.name, frozenset(chosen), own)) not in seen:
            seen.add(key)
            below = optional(requirement.extras) if own else distribution(requirement.name).requires or []
            waiting += [(text, chosen) for text in below]


def optional(extras: Iterable[str]) -> list[str]:
    return [text for extra in extras for text in PROJECT["project"]["optional-dependencies"][extra]]


RUNTIME: list[str] = PROJECT["project"]["dependencies"]
BUILD: list[str] = PROJECT["build-system"]["requires"]
LOCKS = {
    "requirements.lock": [*RUNTIME, *BUILD, *optional(PROJECT["project"]["optional-dependencies"])],
    "requirements-image.lock": RUNTIME,
    "requirements-build.lock": BUILD,
}


@pytest.mark.parametrize("file", [*LOCKS, OBAN])
def test_every_python_package_has_one_version_its_hashes_and_no_address(file: str) -> None:
    packages = locked(file)

    assert packages
    assert [name for name, package in packages.items() if not package.hashes] == []
    assert "://" not in (ROOT / file).read_text("utf-8")


@pytest.mark.parametrize("file", LOCKS)
def test_the_lock_files_hold_the_packages_that_the_project_needs_and_no_others(file: str) -> None:
    packages, requirements = locked(file), list(needed(LOCKS[file]))

    here = {name for name, package in packages.items() if package.is_for_here()}
    assert {canonicalize_name(requirement.name) for requirement in requirements} == here, "run make lock"
    for requirement in requirements:
        package = packages[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(package.version, prereleases=True), f"{requirement}: run make lock"
        assert package == locked("requirements.lock")[canonicalize_name(requirement.name)]


def test_the_lock_of_oban_holds_its_packages() -> None:
    asked = [Requirement(line) for line in (ROOT / OBAN).with_suffix(".txt").read_text("utf-8").splitlines()]
    packages = locked(OBAN)

    for requirement in asked:
        assert requirement.specifier.contains(packages[canonicalize_name(requirement.name)].version), "run make lock"
        assert {f"{requirement.name}-{extra}" for extra in requirement.extras} <= packages.keys()


def test_the_build_backend_is_pinned_to_one_version() -> None:
    assert [f"hatchling=={locked('requirements-build.lock')['hatchling'].version}"] == BUILD


def test_every_npm_package_has_its_hash_and_no_address() -> None:
    for file in NPM_LOCKS:
        packages = json.loads(file.read_text("utf-8"))["packages"]
        others = {name: package for name, package in packages.items() if name}
        assert others
        assert all(re.fullmatch(r"sha512-[\w+/]{86}==", package["integrity"]) for package in others.values()), file
        assert not any("resolved" in package or "link" in package for package in packages.values()), file
    assert len(NPM_LOCKS) == 4


def installing() -> list[str]:
    """Every command of ours that installs something from a registry of Python's or npm's packages."""
    files = [ROOT / "Makefile", ROOT / "Dockerfile", *(ROOT / "scripts").iterdir(), *(ROOT / ".ci").iterdir()]
    text = "\n".join(file.read_text("utf-8").replace("\\\n", " ") for file in files)
    return re.findall(r"(?:pip|npm) (?:install|ci|i|add|download|wheel)\b[^&|;\n]*", text)


def test_no_package_is_installed_without_the_hashes_of_a_lock_file() -> None:
    by_hash = r"pip install .*--require-hashes|pip install .*--no-deps .*--no-build-isolation|npm ci --ignore-scripts"

    commands = installing()

    assert [command for command in commands if not re.match(by_hash, command)] == []
    assert len(commands) >= 9


def tamper(file: Path) -> str:
    """Give the first package of a lock file a hash that no file of it has; the package's name."""
    first, _, rest = file.read_text("utf-8").partition("==")
    entry, name_of_next, others = re.split(r"(\n[a-z][\w.-]*==)", rest, maxsplit=1)
    assert "--hash" in entry
    file.write_text(f"{first}=={re.sub('(?<=sha256:)[0-9a-f]{64}', '0' * 64, entry)}{name_of_next}{others}")
    return first


@pytest.mark.parametrize("good", [True, False], ids=["as it is", "with a wrong hash"])
def test_a_python_package_that_differs_from_its_hash_is_refused(tmp_path: Path, good: bool) -> None:
    lock = tmp_path / "requirements.lock"
    shutil.copy(ROOT / "requirements-build.lock", lock)
    name = "" if good else tamper(lock)
    command = [
        "download",
        "--require-hashes",
        "--no-deps",
        "--dest",
        str(tmp_path / "taken"),
        "--requirement",
        str(lock),
    ]

    said = subprocess.run([sys.executable, "-m", "pip", *command], capture_output=True, text=True)

    if good:
        assert said.returncode == 0, said.stderr
        assert len(list((tmp_path / "taken").iterdir())) == len(locked("requirements-build.lock"))
    else:
        assert "DO NOT MATCH THE HASHES" in said.stderr
        assert f"{name}==" in said.stderr


def test_make_installs_no_python_package_that_differs_from_its_hash(tmp_path: Path) -> None:
    for file in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / file, tmp_path)
    name = tamper(tmp_path / "requirements.lock")

    made = subprocess.run(
        ["make", ".venv/made", f"PYTHON={sys.executable}"], cwd=tmp_path, capture_output=True, text=True
    )

    assert made.returncode != 0
    assert "DO NOT MATCH THE HASHES" in made.stderr
    assert f"{name}==" in made.stderr
    assert not (tmp_path / ".venv/made").exists()


@pytest.mark.parametrize("file", ["requirements-image.lock", "requirements-build.lock"])
def test_the_image_installs_no_python_package_that_differs_from_its_hash(tmp_path: Path, file: str) -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", "")
    [command] = [part for part in re.findall(r"^RUN (.*)$", lines, re.M) if "pip install" in part]
    [taking] = [part.strip() for part in command.split("&&") if file in part]
    shutil.copy(ROOT / file, tmp_path)
    name = tamper(tmp_path / file)
    venv.create(tmp_path / "venv", with_pip=True)
    program, *arguments = shlex.split(taking)
    assert program in {"pip", "/venv/bin/pip"}

    said = subprocess.run([tmp_path / "venv/bin/pip", *arguments], cwd=tmp_path, capture_output=True, text=True)

    assert said.returncode != 0
    assert "DO NOT MATCH THE HASHES" in said.stderr
    assert f"{name}==" in said.stderr


def test_every_image_from_elsewhere_is_named_by_its_digest_beside_its_tag() -> None:
    files = [ROOT / "Dockerfile", *ROOT.glob("docker-compose*.yml"), *(ROOT / "deploy/kubernetes").rglob("*.yaml")]
    named = [
        name
        for file in files
        for name in re.findall(r"^(?:\s*(?:- )?image:|FROM) (\S+)", file.read_text("utf-8"), re.M)
        if not name.startswith("system-status:")  # built here
    ]

    assert [name for name in named if not re.fullmatch(r"[\w./-]+:v?\d[\w.-]+@sha256:[0-9a-f]{64}", name)] == []
    assert len(named) == 8
    assert len({name.partition("@")[0] for name in named}) == len(set(named))
