"""Whether somebody wants a page or data."""

from aiohttp import web

from control_api.problems import PROBLEM_TYPE

_DATA = ("application/json", PROBLEM_TYPE)


def wants_html(request: web.Request) -> bool:
    """Whether ``Accept`` puts pages before data; a client that takes anything gets data."""
    weights: dict[str, float] = {}
    for part in ",".join(request.headers.getall("Accept", [])).split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weights[kind] = max(weights.get(kind, 0.0), _weight(parameters))
    return weights.get("text/html", 0.0) > max(weights.get(kind, 0.0) for kind in _DATA)


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
