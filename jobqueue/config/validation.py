"""From a document of plain data to ``Settings``, or to the one line that says why not."""

from collections.abc import Collection
from functools import reduce
from operator import getitem
from typing import Any, Literal, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from jobqueue.config.errors import ConfigurationError, Names, Place, called, one_of, shown
from jobqueue.config.model import SECRETS, SECTIONS, Settings, keys

_SETTINGS = TypeAdapter(Settings)


def validated(document: Any, engines: Collection[str], names: Names) -> Settings:
    """The settings in *document*; raises ``ConfigurationError`` for the first mistake."""
    try:
        settings = _SETTINGS.validate_python(document)
    except ValidationError as refused:
        # An unknown key first: it is why the right one is missing.
        error = min(refused.errors(), key=lambda details: details["type"] != "unexpected_keyword_argument")
        raise _explained(error, document, engines, names) from None
    for index, source in enumerate(settings.sources):
        if source.engine not in engines:
            place: Place = ("sources", index, "engine")
            known = one_of(sorted(engines), source.engine)
            raise ConfigurationError(called(place, names), shown(source.engine), known)
    return settings


def _explained(error: ErrorDetails, data: Any, engines: Collection[str], names: Names) -> ConfigurationError:
    place, kind = error["loc"], error["type"]
    if kind == "unexpected_keyword_argument":
        allowed = one_of(keys(_owner(place)), place[-1])
        return ConfigurationError(called(place, names), "an unknown key", allowed)
    if kind == "repeated":
        place += error["ctx"]["place"]
    # Looked up, for pydantic's input is what a validator has made of it.
    value = None if kind == "missing" else reduce(getitem, place, data)
    found = _hidden(value, error) if place[-1] in SECRETS else shown(value)
    again = " a second time" if kind == "repeated" else ""
    listed = kind == "repeated" and isinstance(place[-1], int)
    return ConfigurationError(
        called(place, names), found + again, _allowed(place[:-1] if listed else place, engines, value)
    )


def _hidden(value: object, error: ErrorDetails) -> str:
    """What was found instead of a connection string: why that is none, with nothing of it."""
    if value is None or value == "":
        return "nothing"
    if not isinstance(value, str):
        return "something that is no text (not shown)"
    reason = error.get("ctx", {}).get("reason")
    return "a text that may hold a password (not shown)" + (f": {reason}" if reason else "")


def _owner(place: Place) -> type[Any]:
    sections = [part for part in place[:-1] if isinstance(part, str)]
    return SECTIONS[sections[-1]] if sections else Settings


def _allowed(place: Place, engines: Collection[str], found: object) -> str:
    key = place[-1]
    if isinstance(key, int) and place[-2] in SECTIONS:
        return "a mapping with " + ", ".join(keys(SECTIONS[str(place[-2])]))
    if key == "engine":
        return one_of(sorted(engines), found)
    if isinstance(key, int):
        field = _field(place[:-1])
        annotation = get_args(field.annotation)[0]
    else:
        field = _field(place)
        annotation = field.annotation
    if get_origin(annotation) is Literal:
        return one_of(get_args(annotation), found)
    return field.description or ""


def _field(place: Place) -> FieldInfo:
    field: FieldInfo = _owner(place).__pydantic_fields__[place[-1]]
    return field
