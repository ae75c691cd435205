"""``token new | list | revoke``: makes, shows and revokes the tokens of scripts."""

import argparse
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import LiteralString

import psycopg
from psycopg.errors import UndefinedTable
from psycopg.rows import class_row

from control_api.actions import Action
from jobqueue import bounds, sql
from jobqueue.config import Settings
from jobqueue.config.errors import one_of, shown
from jobqueue.rows import Listed
from jobqueue.session import prepare, writing
from jobqueue.terminal import complain, say, visible

_QUERIES = sql.load("control_api", "tokens.sql", **bounds.literals())
_LIMITS: LiteralString = "SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '2s'"
_PREFIX = "sst_"  # by which scanners for leaked secrets may know one
_BYTES = 32
_FORM = re.compile(f"{_PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)  # as long as these bytes are in URL-safe base64
_NAME_FORM = "up to 63 letters, digits and . _ -"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class TokenError(Exception):
    """One line that says why a command can't be carried out."""


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token: never the token itself."""

    name: str
    allow: Sequence[str]
    created_at: datetime
    revoked_at: datetime | None


def new(conn: psycopg.Connection, name: str, allow: Iterable[Action]) -> str:
    """Make a token that allows some actions; answers it, for the only time. Raises ``TokenError``."""
    token = _PREFIX + secrets.token_urlsafe(_BYTES)
    values = {"name": name, "hash": sha256(token.encode()).digest(), "allow": [str(action) for action in allow]}
    if conn.execute(_QUERIES["add"], values).fetchone() is None:
        raise TokenError(f"there is a token {name} already, or was: the log knows it by its name, so take another one")
    return token


def is_token(text: str) -> bool:
    """Whether a text has the form of a token."""
    return _FORM.fullmatch(text) is not None


def tokens(conn: psycopg.Connection) -> Listed[Token]:
    """The tokens that were ever made, in the order of their making; of very many the newest."""
    [number] = conn.execute(_QUERIES["number"]).fetchone() or (0,)
    with conn.cursor(row_factory=class_row(Token)) as cursor:
        found = cursor.execute(_QUERIES["all"]).fetchall()
    return Listed(found, number - len(found))


def revoke(conn: psycopg.Connection, name: str) -> None:
    """Make a token useless, at once and for good. Raises ``TokenError`` for one that was never made."""
    if conn.execute(_QUERIES["revoke"], {"name": name}).fetchone() is None:
        raise TokenError(f"there is no token {name}; token list shows those that there are")


def add_token_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``token new | list | revoke`` to a program's commands; ``run_token_command`` carries them out."""
    parser = commands.add_parser("token", help="tokens of scripts: new, list, revoke")
    subcommands = parser.add_subparsers(dest="token_command", required=True, metavar="new | list | revoke")
    making = subcommands.add_parser(
        "new",
        help="print a new token, once, alone on standard output",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="ACTIONS:\n" + "\n".join(f"  {action:16}{action.description}" for action in Action),
    )
    making.add_argument(
        "--name",
        required=True,
        type=_name,
        help=f"by which the log knows it, such as ci; {_NAME_FORM}, never used before",
    )
    making.add_argument(
        "--allow",
        required=True,
        type=_actions,
        metavar="ACTIONS",
        help="what it may do: one or more of those below, with commas between, such as run,janitor",
    )
    subcommands.add_parser("list", help="print names, actions and dates")
    revoking = subcommands.add_parser("revoke", help="make a token useless, at once")
    revoking.add_argument("name", type=_name, metavar="NAME", help="as token list shows it")


def run_token_command(arguments: argparse.Namespace, settings: Settings, program: str) -> int:
    """Carry out what ``add_token_commands`` parsed; 0 when it's done, 1 when the database or a name is in the way."""
    dsn = settings.sources[0].dsn.get_secret_value()
    try:
        with psycopg.connect(dsn, connect_timeout=10, application_name="system-status control") as conn:
            prepare(conn)
            conn.execute(f"{writing(conn)}; {_LIMITS}")
            printed, said = _run(conn, arguments)
    except (TokenError, psycopg.Error) as error:
        mending = " (python -m jobqueue migrate makes it)" if isinstance(error, UndefinedTable) else ""
        complain(f"{program} token: {' '.join(str(error).split())}{mending}")
        return 1
    # After the commit: what is printed is valid.
    for line in printed:
        say(visible(line))
    if said:
        complain(said)
    return 0


def _run(conn: psycopg.Connection, arguments: argparse.Namespace) -> tuple[Sequence[str], str]:
    """What to print on standard output, and what to say beside it."""
    match arguments.token_command:
        case "new":
            token = new(conn, arguments.name, arguments.allow)
            return [token], f"{arguments.name} may {', '.join(arguments.allow)}. Keep it: it isn't shown again."
        case "revoke":
            revoke(conn, arguments.name)
            return [], f"{arguments.name} is revoked."
        case _:
            found = tokens(conn)
            return [_line(token) for token in found.rows], f"and {found.more:,} older ones" if found.more else ""


def _line(token: Token) -> str:
    revoked = f"revoked {_minute(token.revoked_at)}" if token.revoked_at else "valid"
    return f"{token.name:20} {','.join(token.allow):40} {_minute(token.created_at)} {revoked}"


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"found {shown(text)}, allowed: {_NAME_FORM}")
    return text


def _actions(text: str) -> list[Action]:
    names = [name for part in text.split(",") if (name := part.strip())]
    for name in names or [text]:
        if name not in list(Action):
            raise argparse.ArgumentTypeError(f"found {shown(name)}, allowed: {one_of(Action, name)}")
    return [action for action in Action if action in names]
