"""``python -m demo.webhook PORT``: prints each alert that Alertmanager delivers, in one line."""

import json
import sys
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from jobqueue.terminal import visible


def lines(message: Mapping[str, Any]) -> Iterator[str]:
    """What is worth reading of the alerts in a webhook's *message*."""
    for alert in message["alerts"]:
        labels, said = alert["labels"], alert["annotations"]
        about = " ".join(
            labels[name] for name in ("source", "job_type", "worker", "collector", "action") if name in labels
        )
        links = f"{said['dashboard_url']} {said['runbook_url']}"
        yield f"{alert['status']:<9} {labels['severity']:<9} {labels['alertname']} {about}: {said['summary']} {links}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for line in lines(json.loads(body)):
            print(visible(line), flush=True)
        self.send_response(HTTPStatus.OK)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), _Handler).serve_forever()
