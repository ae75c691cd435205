"""``python -m deploy``: write what is generated for docker-compose.yml and below deploy/kubernetes."""

import argparse
import sys

from deploy.generated import KUBERNETES, ROOT, generated
from jobqueue.terminal import ends_with_its_reader


@ends_with_its_reader
def main() -> int:
    """Write every file, and remove what was generated once and no longer is."""
    argparse.ArgumentParser(prog="python -m deploy", description=__doc__).parse_args()
    files = generated()
    for old in {*KUBERNETES.glob("*.yaml")} - files.keys():
        old.unlink()
    for file, text in files.items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
        print(file.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
