"""Configuration: which queues are read, where the exporter listens, how it logs."""

from jobqueue.config.errors import ConfigurationError
from jobqueue.config.load import load, load_or_exit
from jobqueue.config.model import ConfiguredSchedule, Listen, Log, Settings, Source

__all__ = [
    "ConfigurationError",
    "ConfiguredSchedule",
    "Listen",
    "Log",
    "Settings",
    "Source",
    "load",
    "load_or_exit",
]
