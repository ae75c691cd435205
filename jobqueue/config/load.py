"""Where the configuration comes from: environment variables, a YAML file, secrets in files."""

import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from jobqueue.config import strict_yaml
from jobqueue.config.control import LISTS
from jobqueue.config.errors import ConfigurationError, Names, Place, called, shown
from jobqueue.config.model import SECRETS, Settings, keys
from jobqueue.config.validation import validated
from jobqueue.terminal import complain

_FILE = "SYSTEM_STATUS_CONFIG"
_ONE_SOURCE: dict[str, Place] = {
    "DATABASE_URL": ("sources", 0, "dsn"),
    "DATABASE_URL_FILE": ("sources", 0, "dsn_file"),
    "QUEUE_ENGINE": ("sources", 0, "engine"),
    "QUEUE_SCHEMA": ("sources", 0, "schema"),
    "SOURCE_NAME": ("sources", 0, "name"),
    "STORE_DATABASE_URL": ("sources", 0, "store_dsn"),
    "STORE_DATABASE_URL_FILE": ("sources", 0, "store_dsn_file"),
}
_ANY_CASE: dict[str, Place] = {
    "EXPORTER_HOST": ("listen", "host"),
    "EXPORTER_PORT": ("listen", "port"),
    "LOG_LEVEL": ("log", "level"),
    "LOG_FORMAT": ("log", "format"),
    "CONTROL_API_HOST": ("control", "host"),
    "CONTROL_API_PORT": ("control", "port"),
    "CONTROL_API_BASE_PATH": ("control", "base_path"),
    "CONTROL_API_AUTH": ("control", "auth"),
    "CONTROL_API_GRAFANA_URL": ("control", "grafana_url"),
    "CONTROL_API_GRAFANA_TEAM": ("control", "grafana_team"),
    "CONTROL_API_ORIGINS": ("control", "origins"),
    "CONTROL_API_TRUSTED_PROXIES": ("control", "trusted_proxies"),
    "CONTROL_API_READ_ONLY": ("control", "read_only"),
    "CONTROL_API_DASHBOARD_URL": ("control", "dashboard_url"),
    "CONTROL_API_EMAIL_QUEUE_URL": ("control", "email_queue_url"),
    "CONTROL_API_JANITOR_EVERY": ("control", "janitor", "every"),
}
_PLACES: dict[str, Place] = {**_ONE_SOURCE, **_ANY_CASE}
VARIABLES = (*_ONE_SOURCE, _FILE, *_ANY_CASE)
"""Every environment variable that is read; an empty one counts as not set."""


def load(environ: Mapping[str, str], engines: Collection[str]) -> Settings:
    """The settings that *environ* gives, or the file that it names; *engines* are the known engines' names.

    Raises ``ConfigurationError``.
    """
    given = _given(environ)
    if _FILE in given:
        file = Path(given[_FILE])
        document, folder = _from_file(file, given), file.parent
    else:
        document, folder = _from_variables(given), Path()
    for variable, place in _ANY_CASE.items():
        if variable in given:
            _put(document, place, given[variable])
    if isinstance(control := document.get("control"), dict):
        _split_lists(control)
    names = names_of(environ)
    sources = document.get("sources")
    for index, source in enumerate(sources if isinstance(sources, list) else []):
        if isinstance(source, dict):
            for key in SECRETS:
                _take_secret(source, key, ("sources", index), folder, names)
    return validated(document, engines, names)


def load_or_exit(environ: Mapping[str, str], engines: Collection[str], program: str) -> Settings:
    """``load`` for an entry point: what is wrong goes to standard error as one line, the exit code is 2."""
    try:
        return load(environ, engines)
    except ConfigurationError as error:
        complain(f"{program}: {error}")
        sys.exit(2)


def names_of(environ: Mapping[str, str]) -> Names:
    """What people call the values: by their variable if that gave one, or if there's no file that could have."""
    given = _given(environ)
    return {place: variable for variable, place in _PLACES.items() if variable in given or _FILE not in given}


def _given(environ: Mapping[str, str]) -> Mapping[str, str]:
    return {variable: environ[variable] for variable in VARIABLES if environ.get(variable)}


def _put(document: dict[str, Any], place: Place, value: str) -> None:
    block: object = document
    for section in place[:-1]:
        block = block.setdefault(section, {}) if isinstance(block, dict) else None
    if isinstance(block, dict):
        block[place[-1]] = value


def _split_lists(control: dict[str, Any]) -> None:
    for key in LISTS:
        if isinstance(text := control.get(key), str):
            control[key] = [item for part in text.split(",") if (item := part.strip())]


def _from_variables(given: Mapping[str, str]) -> dict[str, Any]:
    if "DATABASE_URL" not in given and "DATABASE_URL_FILE" not in given:
        raise ConfigurationError(
            "DATABASE_URL",
            "nothing",
            "a connection string, such as DATABASE_URL=postgresql://monitor@localhost/app, "
            f"or {_FILE} with the path of a YAML file",
        )
    source = {place[-1]: given[name] for name, place in _ONE_SOURCE.items() if name in given}
    return {"sources": [{"name": "main", **source}]}


def _from_file(file: Path, given: Mapping[str, str]) -> dict[str, Any]:
    for name in _ONE_SOURCE:
        if name in given:
            raise ConfigurationError(
                name, f"together with {_FILE}", f"one of the two: unset {name} to use the file, or {_FILE}"
            )
    try:
        document = strict_yaml.parse(_text(file, _FILE, "a YAML file that can be read"))
    except strict_yaml.NotOurYamlError as mistake:
        raise ConfigurationError(
            _FILE, f"a mistake in {shown(str(file))} ({mistake})", "YAML, each key text and only once"
        ) from None
    if not isinstance(document, dict):
        raise ConfigurationError(
            _FILE, f"{shown(document)} in {shown(str(file))}", "a mapping with " + ", ".join(keys(Settings))
        )
    return document


def _take_secret(source: dict[str, Any], key: str, at: Place, folder: Path, names: Names) -> None:
    if f"{key}_file" not in source:
        return
    place, place_of_file = (*at, key), (*at, f"{key}_file")
    name = called(place_of_file, names)
    if key in source:
        raise ConfigurationError(name, f"together with {called(place, names)}", "one of the two")
    file, allowed = source.pop(f"{key}_file"), "the path of a file that holds a connection string"
    if not isinstance(file, str):
        raise ConfigurationError(name, shown(file), allowed)
    source[key] = _text(folder / file, name, allowed).strip()
    names[place] = name
    if not source[key]:
        raise ConfigurationError(name, f"nothing in {shown(file)}", allowed)


def _text(file: Path, name: str, allowed: str) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text in UTF-8"
    raise ConfigurationError(name, f"{shown(str(file))} ({reason})", allowed)
