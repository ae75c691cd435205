"""Why a read failed, as one of a few reasons: a server's own text may hold anything, and would make endless series.

PostgreSQL names the kind of an error by its SQLSTATE. libpq doesn't hand that on for a connection that was never made,
so there the text decides: libpq's own, and PostgreSQL's in English. A text that nothing is known of is ``other``, as is
one in a language that isn't English (``lc_messages``).
"""

import re
from collections.abc import Iterable

from psycopg import Error, OperationalError, errors

from jobqueue.reasons import Reason
from jobqueue.session import ServerTooOldError

_BY_CLASS: tuple[tuple[type[Exception], Reason], ...] = (
    (ServerTooOldError, Reason.WRONG_VERSION),
    (UnicodeError, Reason.ENCODING),
    (errors.ConnectionTimeout, Reason.TIMEOUT),
    (TimeoutError, Reason.TIMEOUT),
)
_BY_SQLSTATE = {
    "08": Reason.REFUSED,
    "0A": Reason.WRONG_VERSION,
    "22021": Reason.ENCODING,
    "22P05": Reason.ENCODING,
    "25006": Reason.READ_ONLY,
    "28": Reason.AUTHENTICATION,
    "3D000": Reason.NAME,
    "3F000": Reason.MISSING_TABLE,
    "42501": Reason.PERMISSION,
    "42703": Reason.WRONG_VERSION,
    "42704": Reason.WRONG_VERSION,
    "42804": Reason.WRONG_VERSION,
    "42883": Reason.WRONG_VERSION,
    "42P01": Reason.MISSING_TABLE,
    "53300": Reason.TOO_MANY_CONNECTIONS,
    "55P03": Reason.TIMEOUT,
    "57014": Reason.TIMEOUT,
    "57P": Reason.REFUSED,
}
"""By the whole SQLSTATE or by how it begins."""
_NAMES = re.compile(r'"[^"]*"')
"""Of hosts, roles and databases: they may be any words."""
_BY_TEXT = tuple(
    (re.compile(pattern, re.IGNORECASE), reason)
    for pattern, reason in (
        (r"failed to resolve host|could not translate host name|database \"\" does not exist", Reason.NAME),
        (r"too many clients|too many connections|connection slots|no more connections", Reason.TOO_MANY_CONNECTIONS),
        (r"permission denied|CONNECT privilege", Reason.PERMISSION),
        (
            r"authentication|no password supplied|no pg_hba\.conf entry|role \"\" (does not exist|is not permitted)",
            Reason.AUTHENTICATION,
        ),
        (r"timeout expired|timed out|said nothing for", Reason.TIMEOUT),
        (r"\bSSL\b|\bTLS\b|certificate", Reason.TLS),
        (r"connection refused|no such file|no route|unreachable|not (yet |currently )?accepting", Reason.REFUSED),
        (r"starting up|shutting down|recovery mode|terminating connection", Reason.REFUSED),
        (r"closed the connection|connection reset|broken pipe|is closed|connection (was|is) lost", Reason.REFUSED),
    )
)
"""The first that fits, since a text names several attempts and one may quote another's words."""


_BY_POOLERS_TEXT = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        # It waited for one of the pooler's sessions in vain: all of them are in use.
        (r"no more connections allowed|query_wait_timeout", Reason.TOO_MANY_CONNECTIONS),
        (r"cannot connect to server|server_login_retry|server down|server conn crashed|is disabled", Reason.REFUSED),
        (r"no such user|login rejected|auth_query", Reason.AUTHENTICATION),
        (r"no such database", Reason.NAME),
        (r"client_login_timeout|query_timeout|idle_transaction_timeout|client_idle_timeout", Reason.TIMEOUT),
    )
)
"""What pgbouncer says by itself: always in English, and always with the SQLSTATE of a broken protocol."""
_OF_A_POOLER = "08P01"


class ExplainedError(Exception):
    """A failure that follows from an earlier one, of which the reason is kept.

    The error itself would keep alive whatever its frames hold.
    """

    def __init__(self, text: str, reason: Reason) -> None:
        super().__init__(text)
        self.reason = reason


def reason_of(error: BaseException) -> Reason:
    """The reason of a failed read."""
    if isinstance(error, ExplainedError):
        return error.reason
    return _told(error) or Reason.OTHER


def _told(error: BaseException) -> Reason | None:
    for kind, reason in _BY_CLASS:
        if isinstance(error, kind):
            return reason
    if isinstance(error, Error) and error.sqlstate:
        state = error.sqlstate
        if state == _OF_A_POOLER and (of_pooler := _first(_BY_POOLERS_TEXT, error)):
            return of_pooler
        return next((reason for beginning, reason in _BY_SQLSTATE.items() if state.startswith(beginning)), None)
    if isinstance(error, OperationalError):
        return _first(_BY_POOLERS_TEXT, error) or _first(_BY_TEXT, error)
    return None


def _first(known: Iterable[tuple[re.Pattern[str], Reason]], error: BaseException) -> Reason | None:
    text = _NAMES.sub('""', str(error))
    return next((reason for pattern, reason in known if pattern.search(text)), None)
