"""What `processes` promises: nothing stays behind, nothing else is touched, and a failure shows why."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

from processes import Failure, Processes, Service, begin, require_free, run, wait_until

PYTHON = sys.executable
ENV = {"PATH": os.environ["PATH"]}


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class ProcessesTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.processes = Processes(self.folder)
        self.addCleanup(self.processes.stop_all)

    def start(self, script: str, ready_url: str = "http://127.0.0.1:9/") -> Service:
        service = Service("server", [PYTHON, "-c", script], ENV, ready_url)
        self.processes.start(service)
        return service

    def reported(self) -> int:
        """The number that the process wrote into its log."""
        log = self.processes.log("server")
        self.assertTrue(wait_until(lambda: log.read_text().strip().isdigit(), 10))
        return int(log.read_text())

    def test_ends_what_a_service_started_and_what_will_not_listen(self) -> None:
        self.start(
            "import signal, subprocess, sys, time\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "child = subprocess.Popen(['sleep', '60'])\n"
            "print(child.pid, flush=True)\n"
            "time.sleep(60)\n"
        )
        grandchild, pid = self.reported(), self.processes.pid("server")
        assert pid is not None
        with mock.patch("processes.STOP_SECONDS", 0.5):
            self.processes.stop_all()
        self.assertFalse(running(pid))
        self.assertFalse(running(grandchild))
        self.assertEqual(self.processes.names(), [])

    def test_leaves_a_process_alone_that_got_the_number_of_a_dead_one(self) -> None:
        other = subprocess.Popen(["sleep", "60"], start_new_session=True)
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        self.processes.pids.mkdir()
        (self.processes.pids / "server.pid").write_text(f"{other.pid} 1\n")
        self.assertIsNone(self.processes.pid("server"))
        self.processes.stop_all()
        self.assertIsNone(other.poll())

    def test_finds_its_processes_again(self) -> None:
        self.start("import time; time.sleep(60)")
        again = Processes(self.folder)
        self.assertEqual(again.pid("server"), self.processes.pid("server"))
        again.stop_all()
        self.assertIsNone(self.processes.pid("server"))

    def test_shows_why_a_service_did_not_start(self) -> None:
        service = self.start("print('no schema here'); raise SystemExit(3)")
        with self.assertRaisesRegex(Failure, "(?s)ended while starting.*no schema here"):
            self.processes.wait_until_ready(service, 10)

    def test_does_not_wait_for_ever(self) -> None:
        service = self.start("import time; time.sleep(60)")
        with self.assertRaisesRegex(Failure, "not ready within"):
            self.processes.wait_until_ready(service, 0.3)


class StepsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.log = self.folder / "step.log"

    def run_step(self, script: str, seconds: float) -> None:
        run([PYTHON, "-c", script], env=ENV, cwd=self.folder, log=self.log, seconds=seconds, what="the step")

    def test_a_failing_step_shows_its_end(self) -> None:
        with self.assertRaisesRegex(Failure, "(?s)the step failed with exit code 4.*the reason"):
            self.run_step("print('the reason'); raise SystemExit(4)", 10)

    def test_a_step_that_hangs_ends_with_its_children(self) -> None:
        script = (
            "import subprocess, time\n"
            "print(subprocess.Popen(['sleep', '60']).pid, flush=True)\n"
            "time.sleep(60)\n"
        )
        with self.assertRaisesRegex(Failure, "longer than"):
            self.run_step(script, 1)
        self.assertTrue(wait_until(lambda: not running(int(self.log.read_text())), 5))

    def test_an_interrupted_step_ends_too(self) -> None:
        step = begin(["sleep", "60"], env=ENV, cwd=self.folder, log=self.log, what="the step")
        before = signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        begun = time.monotonic()
        with self.assertRaises(KeyboardInterrupt):
            step.finish(30)
        self.assertLess(time.monotonic() - begun, 10)
        self.assertIsNotNone(step._process.poll())

    def test_a_port_in_use_is_named(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with self.assertRaisesRegex(Failure, f"port {port} for aws"):
                require_free({"aws": port})
        require_free({"aws": port})


if __name__ == "__main__":
    unittest.main()
