"""The one command, ``system-status``, and its check of a whole installation."""
