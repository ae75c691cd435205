"""Keeps a report inside a document whose prose is written by hand."""

from pathlib import Path

BEGIN, END = "<!-- measured: written by python -m bench --write -->", "<!-- end of measured -->"


def put_report(report: str, document: Path) -> None:
    """Replace what stands between the two marks of *document*. Raises ``ValueError`` where they aren't there once."""
    before, begin, rest = document.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise ValueError(f"{document}: needs {BEGIN} and then {END}, once")
    document.write_text(f"{before}{BEGIN}\n\n{report}\n{END}{after}", "utf-8")
