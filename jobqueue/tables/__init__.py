"""Our own tables, schema ``system_status``: made by ``migrate``, never unasked."""

SCHEMA = "system_status"
