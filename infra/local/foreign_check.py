"""Checks a proof bundle the way its own page says to, with tools that nobody here wrote: coreutils and OpenSSL.

The commands are those of the page, as they stand. What they need of Go and Java is in the page too, and is run by the tests
of `shared/sealed-log`.
"""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

SECONDS = 30
PAGE = "README.txt"
TIME_STAMP = "record.tst"
# what a command of the page begins with; lines of its programs and sentences begin otherwise
TOOLS = ("sha256sum", "grep", "sed", "tail", "openssl", "(cat", "for it in", "done", "previous=")


def commands(page: str) -> list[str]:
    lines = (line.strip() for line in page.splitlines() if line.startswith("  "))
    return [line for line in lines if line.startswith(TOOLS)]


def unpack(bundle: Path, folder: Path) -> None:
    with zipfile.ZipFile(bundle) as file:
        file.extractall(folder)


def check(folder: Path) -> str | None:
    """What the commands object to; None if they accept the bundle."""
    script = "set -eo pipefail\n" + "\n".join(commands((folder / PAGE).read_text()))
    done = subprocess.run(
        ["bash", "-c", script],
        check=False,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS,
        text=True,
    )
    if done.returncode == 0 and "Signature Verified Successfully" in done.stdout:
        return None
    return done.stdout.strip() or "the document's SHA-256 is not in its record"


def tamper(folder: Path) -> Path:
    """Changes one byte in the middle of the document, and says which file it is."""
    document = next(path for path in sorted(folder.iterdir()) if path.name.startswith("document"))
    content = bytearray(document.read_bytes())
    content[len(content) // 2] ^= 1
    document.write_bytes(content)
    return document
