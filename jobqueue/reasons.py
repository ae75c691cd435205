"""Why something can't be read."""

from enum import StrEnum


class Reason(StrEnum):
    """The values of the label ``reason``: few, so that the series stay few, and never a server's text."""

    REFUSED = "refused"
    TIMEOUT = "timeout"
    NAME = "name"
    TLS = "tls"
    AUTHENTICATION = "authentication"
    PERMISSION = "permission"
    MISSING_TABLE = "missing_table"
    WRONG_VERSION = "wrong_version"
    READ_ONLY = "read_only"
    ENCODING = "encoding"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    IDENTITY = "identity"
    LAGGING = "lagging"
    OTHER = "other"
