"""YAML for configuration: plain data only, text for keys, no key twice."""

import re
from collections.abc import Hashable

import yaml

from jobqueue.config.errors import word

_KEYS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")
# PyYAML quotes pieces of the file, perhaps of a password; the names of tokens, as '<block end>', may show.
_QUOTED = re.compile(r"""(['"])(?!<[\w ]+>\1).*?\1""")


class NotOurYamlError(Exception):
    """Text that isn't the YAML we take: where and why, without quoting it."""


class _Loader(yaml.SafeLoader):
    def compose_mapping_node(self, anchor: dict[Hashable, yaml.Node]) -> yaml.MappingNode:
        # Here and not where the mapping is built: by then "<<" has put the merged keys among its own.
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if key.tag not in _KEYS:
                raise yaml.MarkedYAMLError(problem="a key that isn't text", problem_mark=key.start_mark)
            if key.value in seen:
                problem = f"the key {word(key.value)} a second time"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
        try:
            return super().construct_object(node, deep)
        except ValueError:  # a date such as 2026-02-31
            raise yaml.MarkedYAMLError(problem="no such value", problem_mark=node.start_mark) from None


def parse(text: str) -> object:
    """The data in *text*; raises ``NotOurYamlError``."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506 -- a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark, problem = error.problem_mark, _QUOTED.sub("…", error.problem or "")
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise NotOurYamlError(f"{where}{problem}") from None
    except yaml.YAMLError:
        raise NotOurYamlError("a character that YAML doesn't allow") from None
