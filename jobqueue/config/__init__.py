"""Configuration: which queues are read, where exporter and control API listen, how they log, who may act."""

from jobqueue.config.control import ControlSettings, Janitor
from jobqueue.config.errors import ConfigurationError
from jobqueue.config.load import load, load_or_exit
from jobqueue.config.model import ConfiguredSchedule, Listen, Log, Settings, Source

__all__ = [
    "ConfigurationError",
    "ConfiguredSchedule",
    "ControlSettings",
    "Janitor",
    "Listen",
    "Log",
    "Settings",
    "Source",
    "load",
    "load_or_exit",
]
