"""What scripts get: the same as the pages, as JSON. ``control_api.openapi`` describes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from control_api import audit
from control_api.actions import Action
from control_api.asked import Asked
from control_api.audit import AuditEntry
from control_api.links import Links, entry_name
from control_api.views import words
from jobqueue.rows import Concerned, ScheduleRow, Worker
from jobqueue.schedules import described, phrase

Document = Mapping[str, Any]


def entry_document(entry: AuditEntry, links: Links) -> Document:
    """An entry of the log with what has come of it so far."""
    queued = entry.action is Action.RUN and entry.state == audit.DONE
    return {
        "id": entry_name(entry.source, entry.id),
        "source": entry.source,
        "action": entry.action,
        "job_type": entry.job_type,
        "actor": entry.actor,
        "request_id": entry.request_id,
        "at": _iso(entry.at),
        "before": _iso(entry.before),
        "state": entry.state,
        "ended_at": _iso(entry.ended_at),
        "changed": entry.changed,
        "steps": [{"step": step, "done": words.done(step), "changed": changed} for step, changed in entry.steps],
        "job_id": entry.note if queued else None,
        "note": None if queued else entry.note,
        "replayed": entry.replayed,
        "path": links.entry(entry.source, entry.id),
    }


def asked_document(asked: Asked, links: Links) -> Document:
    """What an action would do now. ``shown_at`` given back with the order keeps it to what is there now."""
    job_type = asked.schedule.job_type if asked.schedule else None
    return {
        "source": asked.source,
        "action": asked.action,
        "title": asked.action.title,
        "description": asked.does,
        "path": links.action(asked.source, asked.action, job_type),
        "shown_at": _iso(asked.at),
        "concerned": asked.rows,
        "at_least": asked.at_least,
        "steps": [
            {
                "step": asked_step.step.name,
                "does": asked_step.step.phrase,
                "concerned": asked_step.rows,
                "at_least": asked_step.at_least,
                "by_name": [_concerned_document(concerned) for concerned in asked_step.named],
                "others": _others_document(asked_step.others) if asked_step.others else None,
            }
            for asked_step in asked.steps
        ],
        "workers": [_worker_document(worker) for worker in asked.workers.rows],
        "more_workers": asked.workers.more,
        "schedule": schedule_document(asked.schedule, asked.source, links) if asked.schedule else None,
        "running": entry_document(asked.running, links) if asked.running else None,
        "kept_by": asked.kept_by,
    }


def schedule_document(schedule: ScheduleRow, source: str, links: Links) -> Document:
    """A recurring job."""
    return {
        "job_type": schedule.job_type,
        "description": described(schedule.description, schedule.expire_after),
        "schedule": phrase(schedule.cron, dialect=schedule.dialect),
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "enabled": schedule.enabled,
        "path": links.action(source, Action.RUN, schedule.job_type),
    }


def action_document(source: str, action: Action, does: str, links: Links) -> Document:
    """An action of a source, and what it does there."""
    return {
        "action": action,
        "title": action.title,
        "description": does,
        "path": links.action(source, action),
    }


def _concerned_document(concerned: Concerned) -> Document:
    return {"name": concerned.name, "rows": concerned.rows, "oldest": _iso(concerned.oldest)}


def _others_document(concerned: Concerned) -> Document:
    return {"names": concerned.others, "rows": concerned.rows, "oldest": _iso(concerned.oldest)}


def _worker_document(worker: Worker) -> Document:
    return {
        "worker": worker.worker,
        "job_type": worker.current_job_type,
        "since": _iso(worker.current_started_at),
        "online": worker.online,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
