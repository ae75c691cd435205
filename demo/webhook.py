"""``python -m demo.webhook PORT``: prints each alert that Alertmanager delivers, in one line."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from jobqueue.terminal import ends_with_its_reader, has_no_reader, visible


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


class _Server(HTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Go on after what is wrong with one request, and end where nobody reads any more what is printed."""
        if has_no_reader(sys.stdout):
            raise
        super().handle_error(request, client_address)  # type: ignore[arg-type]


@ends_with_its_reader
def main() -> int:
    """Print what is delivered until somebody ends it."""
    parser = argparse.ArgumentParser(prog="python -m demo.webhook", description=__doc__)
    parser.add_argument(
        "port", type=int, metavar="PORT", help="on 127.0.0.1, that Alertmanager delivers to, such as 9095"
    )
    with _Server(("127.0.0.1", parser.parse_args().port), _Handler) as server:
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
