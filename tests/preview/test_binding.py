"""Variables in a panel's SQL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preview.binding import UnboundError, bind


@pytest.mark.parametrize(
    ("sql", "statement", "parameters"),
    [
        ("SELECT '${source:csv}' = ''", "SELECT %s = ''", ["main,eu"]),
        ("x IN (${source:sqlstring})", "x IN (%s, %s)", ["main", "eu"]),
        ("x IN ($source) AND y = $one", "x IN (%s, %s) AND y = %s", ["main", "eu", "it's"]),
        ("x LIKE '%a' || '$one it''s'", "x LIKE '%%a' || %s", ["it's it's"]),
        ("x IN ($none)", "x IN (NULL)", []),
        ("5 % 2 = 1", "5 %% 2 = 1", []),
    ],
)
def test_each_becomes_parameters(sql: str, statement: str, parameters: list[str]) -> None:
    assert bind(sql, {"source": ["main", "eu"], "one": ["it's"], "none": []}) == (statement, parameters)


@pytest.mark.parametrize("sql", ["$other", "'${other:csv}'", "${source:raw}", "'$source'", "${source:regex}"])
def test_what_has_no_place_in_sql_is_refused(sql: str) -> None:
    with pytest.raises(UnboundError):
        bind(sql, {"source": ["main", "eu"]})


@given(st.lists(st.text()))
def test_no_value_is_ever_part_of_the_statement(values: list[str]) -> None:
    sql = "SELECT '${source:csv}', ${source:sqlstring}"

    statement, parameters = bind(sql, {"source": values})

    assert statement == f"SELECT %s, {', '.join(['%s'] * len(values)) or 'NULL'}"
    assert parameters == [",".join(values), *values]
