"""What is said of a database's error: in the log of actions, on a page, in what the process logs."""

from psycopg import Error, InterfaceError, OperationalError

from jobqueue.bounds import line

_QUOTING = ("22", "38", "P0")
"""Classes of SQLSTATE whose messages quote what they were given, or were written by somebody's trigger."""
_RAISED = "exec_stmt_raise"


def told(error: Exception) -> str:
    """Say what an error is, in a line without a value of any row.

    DETAIL and CONTEXT quote whole rows, and so may the message of some kinds: these are left out.
    """
    if not isinstance(error, Error):
        return line(error)
    message = _message(error)
    return line(f"{kind(error)}: {message}") if message else kind(error)


def kind(error: Error) -> str:
    """Say of what kind an error is, such as ``CheckViolation 23514``."""
    return " ".join(filter(None, (type(error).__name__, error.sqlstate)))


def _message(error: Error) -> str | None:
    if error.sqlstate is None:  # not the server's: about the connection, or about a value that came over it
        return " ".join(str(error).split()) if isinstance(error, OperationalError | InterfaceError) else None
    if error.sqlstate.startswith(_QUOTING) or error.diag.source_function == _RAISED:
        return None
    return " ".join((error.diag.message_primary or "").split())
