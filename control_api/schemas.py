"""The shapes of what is sent and received as JSON, as JSON Schema."""

from collections.abc import Mapping
from typing import Any

from control_api import audit
from control_api.actions import Action

Schema = Mapping[str, Any]

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TIME: Schema = {"type": "string", "format": "date-time"}
_FLAG: Schema = {"type": "boolean"}
_AT_LEAST: Schema = {**_FLAG, "description": "Counting stopped: there may be more."}
_ACTION: Schema = {"type": "string", "enum": list(Action)}
_BY_NAME: Schema = {**_TEXT, "description": "A job type or a worker; empty where rows have no name."}
_PATH: Schema = {"type": "string", "pattern": "^/"}


def ref(name: str) -> Schema:
    """Point to one of ``SCHEMAS``."""
    return {"$ref": f"#/components/schemas/{name}"}


def json_content(name: str) -> Mapping[str, Schema]:
    """A JSON body of one of ``SCHEMAS``."""
    return {"application/json": {"schema": ref(name)}}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _order(**properties: Schema) -> Schema:
    return {"type": "object", "properties": {"request_id": _REQUEST_ID, "button": _BUTTON, **properties}}


_REQUEST_ID: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": audit.LONGEST_REQUEST_ID,
    "description": "New for each action; sent again by the same actor, it does nothing twice. "
    "Idempotency-Key does as well.",
}
_BUTTON: Schema = {
    "type": "string",
    "minLength": 1,
    "description": "Instead of a request id: the name of a button, which is the same for each press. "
    f"A second press within {audit.DOUBLE_CLICK.total_seconds():g} seconds is refused.",
}
_JOB_TYPE: Schema = {"type": "string", "minLength": 1, "description": "A recurring job."}
_SHOWN_AT: Schema = {**_TIME, "description": "As asked: only what was there then is touched."}

SCHEMAS: Mapping[str, Schema] = {
    "Order": _order(),
    "RunOrder": _order(job_type=_JOB_TYPE),
    "CleanUpOrder": _order(shown_at=_SHOWN_AT),
    "Entry": _object(
        id={"type": "string", "pattern": "^.+-[0-9]+$"},
        source=_TEXT,
        action={**_TEXT, "description": "An action, or the name of one that this version doesn't know."},
        job_type=_or_null(_TEXT),
        actor=_TEXT,
        request_id=_TEXT,
        at=_or_null({**_TIME, "description": "None where the row has a time that is none."}),
        before=_or_null({**_TIME, "description": "Only what was there then is touched."}),
        state={"type": "string", "enum": [audit.RUNNING, audit.DONE, audit.FAILED, audit.INTERRUPTED]},
        ended_at=_or_null(_TIME),
        changed={**_COUNT, "description": "Rows, in all steps together."},
        steps=_list(_object(step=_TEXT, done=_TEXT, changed=_COUNT)),
        job_id=_or_null({**_TEXT, "description": "Of the job that a run queued."}),
        note=_or_null({**_TEXT, "description": "Why it failed or was interrupted."}),
        replayed={**_FLAG, "description": "The same request was made before; it is done once."},
        path=_PATH,
    ),
    "Asked": _object(
        source=_TEXT,
        action=_ACTION,
        title=_TEXT,
        description=_TEXT,
        path=_PATH,
        shown_at=_TIME,
        concerned={**_COUNT, "description": "Rows, in all steps together."},
        at_least=_AT_LEAST,
        steps=_list(
            _object(
                step=_TEXT,
                does=_TEXT,
                concerned={**_COUNT, "description": "Rows."},
                at_least=_AT_LEAST,
                by_name=_list(_object(name=_BY_NAME, rows=_COUNT, oldest=_or_null(_TIME))),
                others=_or_null(
                    {
                        **_object(names=_COUNT, rows=_COUNT, oldest=_or_null(_TIME)),
                        "description": "All for which the list has no room.",
                    }
                ),
            )
        ),
        workers=_list(_object(worker=_TEXT, job_type=_or_null(_TEXT), since=_or_null(_TIME), online=_FLAG)),
        more_workers={**_COUNT, "description": "Workers for which the list has no room."},
        schedule=_or_null(ref("Schedule")),
        running=_or_null(ref("Entry")),
        kept_by=_or_null({**_TEXT, "description": "What keeps the source from being changed at all."}),
    ),
    "Schedule": _object(
        job_type=_TEXT, description=_TEXT, schedule=_TEXT, cron=_TEXT, timezone=_TEXT, enabled=_FLAG, path=_PATH
    ),
    "Index": _object(
        sources=_list(
            _object(
                source=_TEXT,
                read_only=_FLAG,
                problem=_or_null({**_TEXT, "description": "Why its recurring jobs can't be seen."}),
                actions=_list(_object(action=_ACTION, title=_TEXT, description=_TEXT, path=_PATH)),
                schedules=_list(ref("Schedule")),
                more_schedules={**_COUNT, "description": "Recurring jobs for which the list has no room."},
            )
        ),
        running=_list(ref("Entry")),
        latest=_list(ref("Entry")),
    ),
    "Log": _object(
        entries=_list(ref("Entry")),
        next=_or_null(_PATH),
        unread={"type": "object", "additionalProperties": _TEXT, "description": "Sources that can't be read, and why."},
    ),
    "Problem": {
        "type": "object",
        "description": "RFC 9457.",
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": _TEXT,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": _TEXT,
            "reference": {**_TEXT, "description": "Where the log has more."},
        },
        "required": ["type", "title", "status", "detail"],
    },
}
