"""A real Prometheus that holds one moment of made-up queues."""

import json
import urllib.parse
from dataclasses import dataclass

from demo.ports import get

Rows = list[tuple[dict[str, str], float]]


@dataclass(frozen=True)
class Filled:
    """A Prometheus that holds one moment."""

    port: int
    moment: int

    def ask(self, expression: str, sources: tuple[str, ...]) -> Rows:
        query = expression.replace("$source", "|".join(sources)).replace("$job_type", "daily")
        answer = get(self.port, "/api/v1/query?" + urllib.parse.urlencode({"query": query, "time": self.moment}))
        assert answer, query
        return [(one["metric"], float(one["value"][1])) for one in json.loads(answer)["data"]["result"]]
