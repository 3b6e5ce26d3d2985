"""The bootstraps of the program that holds all functions."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import install


class LocalFunctions(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.program = self.root / "a folder's name" / "local-functions"
        self.program.parent.mkdir()
        self.program.write_text('#!/bin/sh\necho "$@"\n')
        self.program.chmod(0o755)
        for name, value in {
            "LOCAL_PACKAGES": self.root / "local",
            "require_binary": lambda _name: self.program,
        }.items():
            patch = mock.patch.object(install, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def test_each_bootstrap_starts_its_function(self) -> None:
        packages = install.local_functions()
        self.assertEqual(sorted(it.name for it in packages.iterdir()), sorted(install.FUNCTIONS))
        for name in install.FUNCTIONS:
            said = subprocess.run([packages / name / "bootstrap"], capture_output=True, text=True, check=True)
            self.assertEqual(said.stdout, f"{name}\n")

    def test_a_program_built_anew_is_deployed_anew(self) -> None:
        before = (install.local_functions() / "intake/bootstrap").read_text()
        self.assertEqual((install.local_functions() / "intake/bootstrap").read_text(), before)
        os.utime(self.program, ns=(1, 1))
        self.assertNotEqual((install.local_functions() / "intake/bootstrap").read_text(), before)


if __name__ == "__main__":
    unittest.main()
