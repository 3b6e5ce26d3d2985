"""What the local run needs beside the Rust toolchain: installed below the project, once for each lock file.

An installation that was cut off is repeated: its stamp is written last. Two runs at once wait for each other.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from processes import Failure, run

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".local"
CDK = ROOT / "infra/cdk"
APP = ROOT / "infra/shopify-app"
BROWSER = ROOT / "tests/browser"
VENV = STATE / ".venv"
LINTERS = STATE / ".lint-venv"
TERRAFORM = STATE / ".terraform-venv"
PACKAGERS = STATE / ".package-venv"
BUILT = ROOT / "target"
# the profile by which the functions were built that run as they are deployed
FUNCTIONS_PROFILE = os.environ.get("E2E_PROFILE", "e2e")
PACKAGES = ROOT / "target/lambda"
LOCAL_PACKAGES = ROOT / "target/local"
# by kind, the names of all functions
BY_KIND = {
    kind: tuple(rows["functions"])
    for kind, rows in json.loads((ROOT / "infra/functions.json").read_text()).items()
    if isinstance(rows, dict) and "functions" in rows
}
FUNCTIONS = tuple(name for names in BY_KIND.values() for name in names)
# the schema the Shopify stub checks queries against
ADMIN_SCHEMA = CDK / "node_modules/@shopify/dev-mcp/dist/data/admin_2026-10.json.gz"

INSTALL_SECONDS = 600


def emulator() -> Path:
    """The emulator's command, installed."""
    requirements = Path(__file__).with_name("requirements.txt")
    return _python_packages(VENV, requirements, "the emulator and the fonts") / "ministack"


def linters() -> Path:
    """The folder of the commands that check the template, installed. Apart from the emulator: they share libraries."""
    return _python_packages(LINTERS, CDK / "lint-requirements.txt", "the linters of the template")


def terraform_checks() -> Path:
    """The folder of the commands for the Terraform module, installed. Apart from checkov: its `hcl2` is another."""
    requirements = ROOT / "infra/terraform/check/requirements.txt"
    return _python_packages(TERRAFORM, requirements, "the checks of the Terraform module")


def packagers() -> Path:
    """The folder of the commands that build packages, installed."""
    requirements = CDK / "packaging-requirements.txt"
    return _python_packages(PACKAGERS, requirements, "cargo-lambda and its cross compiler")


def _python_packages(venv: Path, requirements: Path, what: str) -> Path:
    """The folder of the commands of what `requirements` pins, every package it needs included."""

    def install() -> None:
        shutil.rmtree(venv, ignore_errors=True)
        _step([sys.executable, "-m", "venv", str(venv)], ROOT, f"making the Python environment of {what}")
        pip = [
            str(venv / "bin/python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--disable-pip-version-check",
        ]
        _step([*pip, "--requirement", str(requirements)], ROOT, f"installing {what}")

    _once(what, requirements, venv / ".installed", install)
    return venv / "bin"


def node_packages() -> Path:
    """The folder of the CDK app, its packages installed."""
    return _npm_packages(CDK, "the CDK app's packages")


def app_packages() -> Path:
    """The folder of the Shopify app, its packages installed."""
    return _npm_packages(APP, "the Shopify app's packages")


def browser_packages() -> Path:
    """The folder of the checks that run in a browser, their packages installed."""
    return _npm_packages(BROWSER, "the packages of the checks in a browser")


def _npm_packages(folder: Path, what: str) -> Path:
    def install() -> None:
        _step(["npm", "ci", "--ignore-scripts"], folder, f"installing {what}")

    _once(what, folder / "package-lock.json", folder / "node_modules/.installed", install)
    return folder


def package_functions() -> Path:
    """Copies the functions' binaries to where the stack takes its code from."""
    for name in FUNCTIONS:
        binary = require_binary(name)
        bootstrap = PACKAGES / name / "bootstrap"
        if bootstrap.exists() and bootstrap.stat().st_mtime_ns == binary.stat().st_mtime_ns:
            continue
        bootstrap.parent.mkdir(parents=True, exist_ok=True)
        # renamed into place: a stack that is being deployed never reads half a file
        unfinished = bootstrap.with_name(f".bootstrap-{os.getpid()}")
        shutil.copy2(binary, unfinished)
        unfinished.rename(bootstrap)
    return PACKAGES


def local_functions() -> Path:
    """For each function a bootstrap that starts the program which holds them all."""
    program = require_binary("local-functions")
    # a program that was built anew is another deployment
    built = program.stat().st_mtime_ns
    for name in FUNCTIONS:
        bootstrap = LOCAL_PACKAGES / name / "bootstrap"
        bootstrap.parent.mkdir(parents=True, exist_ok=True)
        unfinished = bootstrap.with_name(f".bootstrap-{os.getpid()}")
        unfinished.write_text(f"#!/bin/sh\n# built at {built}\nexec {shlex.quote(str(program))} {name}\n")
        unfinished.chmod(0o755)
        unfinished.rename(bootstrap)
    return LOCAL_PACKAGES


def require_binary(name: str) -> Path:
    """A function as it is deployed, or a tool as it was built for this machine."""
    binary = BUILT / (FUNCTIONS_PROFILE if name in FUNCTIONS else "debug") / name
    if not binary.exists():
        raise Failure(f"{binary.relative_to(ROOT)} is not built: run `make build`, or `make e2e` for the functions")
    return binary


def architecture() -> str:
    return "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"


@contextlib.contextmanager
def exclusive(path: Path, seconds: float, what: str) -> Iterator[None]:
    """Holds a lock that ends with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Failure(f"{what} is busy: another command holds {path.relative_to(ROOT)}") from None
                time.sleep(0.2)
        yield


def _once(what: str, lock_file: Path, stamp: Path, install: Callable[[], None]) -> None:
    wanted = hashlib.sha256(lock_file.read_bytes()).hexdigest()
    if _stamped(stamp, wanted):
        return
    with exclusive(STATE / "install.lock", INSTALL_SECONDS, "the installation"):
        if _stamped(stamp, wanted):
            return
        print(f"installing {what} …", flush=True)
        install()
        stamp.write_text(wanted)


def _stamped(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text() == wanted


def _step(command: list[str], cwd: Path, what: str) -> None:
    run(command, env=os.environ, cwd=cwd, log=STATE / "install.log", seconds=INSTALL_SECONDS, what=what)
