"""Processes of a local stack: started in sessions of their own, found again by pid files, ended as groups.

A pid file names the process and the moment it started, so that a number the system has given to somebody else
is never signalled. Whatever a stack started ends with `stop_all`, also what its processes started themselves.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 10.0
POLL_SECONDS = 0.05
TAIL_LINES = 30


class Failure(Exception):
    """Something a person has to know; the message is all they get."""


@dataclass(frozen=True)
class Service:
    """A server of the stack and how to see that it answers."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    ready_url: str


class Processes:
    """The services of one stack, kept in `directory`."""

    def __init__(self, directory: Path) -> None:
        self.pids = directory / "pids"
        self.logs = directory / "logs"
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, service: Service) -> None:
        self.pids.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        with self.log(service.name).open("wb") as log:
            child = subprocess.Popen(
                service.command,
                env=dict(service.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children[service.name] = child
        self._pid_file(service.name).write_text(f"{child.pid} {_started(child.pid) or 0}\n")

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def pid(self, name: str) -> int | None:
        """The running process of this name."""
        try:
            pid, started = (int(part) for part in self._pid_file(name).read_text().split())
        except (FileNotFoundError, ValueError):
            return None
        now = _started(pid)
        return pid if now is not None and now == started else None

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.pids.glob("*.pid"))

    def wait_until_ready(self, service: Service, seconds: float) -> None:
        def ready() -> bool:
            if self.pid(service.name) is None:
                raise Failure(f"{service.name} ended while starting\n{tail(self.log(service.name))}")
            return answers(service.ready_url)

        if not wait_until(ready, seconds):
            raise Failure(
                f"{service.name} was not ready within {seconds:.0f} s\n{tail(self.log(service.name))}"
            )

    def stop_all(self) -> None:
        groups = {name: pid for name in self.names() if (pid := self.pid(name)) is not None}
        for pid in groups.values():
            _signal_group(pid, signal.SIGTERM)
        if not wait_until(lambda: not any(map(self._alive, groups.values())), STOP_SECONDS):
            for pid in groups.values():
                _signal_group(pid, signal.SIGKILL)
            if not wait_until(lambda: not any(map(self._alive, groups.values())), STOP_SECONDS):
                raise Failure(f"still running after SIGKILL: {groups}")
        self._reap()
        for name in self.names():
            self._pid_file(name).unlink(missing_ok=True)

    def _reap(self) -> None:
        for child in self._children.values():
            child.poll()

    def _alive(self, group: int) -> bool:
        self._reap()
        return any(_members(group))

    def _pid_file(self, name: str) -> Path:
        return self.pids / f"{name}.pid"


def run(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path, seconds: float, what: str
) -> None:
    """Runs a step of its own to its end; the log keeps what it printed."""
    step = begin(command, env=env, cwd=cwd, log=log, what=what)
    step.finish(seconds)


class Step:
    """A command that runs beside others until `finish`, and ends with everything it started."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, what: str) -> None:
        self._process, self._log, self._what = process, log, what

    def finish(self, seconds: float) -> None:
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.abandon()
            raise Failure(f"{self._what} took longer than {seconds:.0f} s\n{tail(self._log)}") from None
        except BaseException:
            self.abandon()
            raise
        if code != 0:
            raise Failure(f"{self._what} failed with exit code {code}\n{tail(self._log)}")

    def abandon(self) -> None:
        if self._process.poll() is None:
            _signal_group(self._process.pid, signal.SIGKILL)
            self._process.wait()


def begin(command: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path, what: str) -> Step:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Step(process, log, what)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def require_free(ports: Mapping[str, int]) -> None:
    for name, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                reason = error.strerror or "unusable"
                raise Failure(f"port {port} for {name}: {reason}; choose others with --port-base") from None


def tail(log: Path) -> str:
    with contextlib.suppress(FileNotFoundError):
        lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        return "\n".join([f"--- end of {log}", *lines, "---"])
    return f"({log} does not exist)"


def _signal_group(group: int, what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, what)


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat behind the command's name, or nothing if the process has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields


def _started(pid: int) -> int | None:
    fields = _stat(pid)
    return None if fields is None else int(fields[19])


def _members(group: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if (
            entry.name.isdigit()
            and (fields := _stat(int(entry.name))) is not None
            and int(fields[2]) == group
        ):
            yield int(entry.name)
