"""Packages: the same bytes from the same program, a budget that holds, and an SBOM that names what is linked and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import tempfile
import time
import unittest
import zipfile
from pathlib import Path

import install
import packages
from processes import Failure


class PackagesTest(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def packed(self, name: str, content: bytes) -> Path:
        program, target = self.folder / "bootstrap", self.folder / f"{name}.zip"
        program.write_bytes(content)
        packages.pack(program, target)
        return target

    def test_the_same_program_is_the_same_zip_whenever_it_was_built(self) -> None:
        first = self.packed("first", b"program" * 1000)
        os.utime(self.folder / "bootstrap", (time.time() - 10**7,) * 2)
        second = self.packed("second", b"program" * 1000)
        self.assertEqual(first.read_bytes(), second.read_bytes())
        self.assertNotEqual(first.read_bytes(), self.packed("third", b"other" * 1000).read_bytes())

    def test_a_zip_holds_what_lambda_starts(self) -> None:
        with zipfile.ZipFile(self.packed("one", b"program")) as archive:
            (entry,) = archive.infolist()
            self.assertEqual(entry.filename, "bootstrap")
            self.assertEqual(entry.date_time, packages.EPOCH)
            self.assertEqual(stat.S_IMODE(entry.external_attr >> 16), 0o755)
            self.assertEqual(archive.read(entry), b"program")

    def test_the_sums_are_those_of_the_zips(self) -> None:
        names = ("b", "a")
        for name in names:
            self.packed(name, name.encode())
        packages.write_sums(self.folder)
        expected = [
            f"{hashlib.sha256((self.folder / f'{name}.zip').read_bytes()).hexdigest()}  {name}.zip"
            for name in sorted(names)
        ]
        self.assertEqual((self.folder / "SHA256SUMS").read_text().splitlines(), expected)

    def test_a_zip_beyond_its_budget_fails_the_build(self) -> None:
        packages.check({"small": packages.SIZE_LIMIT})
        with self.assertRaisesRegex(Failure, "larger than 6 MB: large"):
            packages.check({"large": packages.SIZE_LIMIT + 1, "small": 1})

    def test_no_path_of_this_machine_gets_into_a_program(self) -> None:
        flags = packages.reproducible({"CARGO_HOME": "/somewhere/cargo"})["CARGO_ENCODED_RUSTFLAGS"].split("\x1f")
        self.assertEqual(
            flags,
            [f"--remap-path-prefix={install.ROOT}=/source", "--remap-path-prefix=/somewhere/cargo=/cargo"],
        )

    def test_the_sbom_names_what_is_linked_and_is_the_same_twice(self) -> None:
        documents = []
        for name in ("first", "second"):
            packages.describe("arm64", self.folder / name)
            documents.append((self.folder / name).read_bytes())
        self.assertEqual(*documents)
        bom = json.loads(documents[0])
        self.assertEqual((bom["bomFormat"], bom["specVersion"]), ("CycloneDX", "1.6"))
        components = {it["name"]: it for it in bom["components"]}
        for name in install.FUNCTIONS:
            self.assertEqual(components[name]["type"], "application")
        # linked into every function; only for tests; only for the build; only for another system
        self.assertIn("aws-sdk-s3", components)
        for name in ("insta", "proptest", "cc", "windows-sys"):
            self.assertNotIn(name, components)
        for it in components.values():
            self.assertTrue(it["licenses"], it["name"])
            ours = it["purl"].rpartition("@")[2] == "0.1.0" and (install.ROOT / "Cargo.toml").exists()
            self.assertTrue(ours or it["hashes"], it["name"])
        known = {it["bom-ref"] for it in bom["components"]} | {"shopify-exstream"}
        for edge in bom["dependencies"]:
            self.assertLessEqual({edge["ref"], *edge.get("dependsOn", [])}, known)
        self.validate(self.folder / "first")

    def validate(self, document: Path) -> None:
        """By the published schema of CycloneDX."""
        code = (
            "import sys; from cyclonedx.validation.json import JsonStrictValidator as V; "
            "from cyclonedx.schema import SchemaVersion as S; "
            "error = V(S.V1_6).validate_str(open(sys.argv[1]).read()); sys.exit(str(error) if error else 0)"
        )
        python = str(install.linters() / "python")
        ended = subprocess.run([python, "-c", code, str(document)], capture_output=True, text=True, check=False)
        self.assertEqual(ended.returncode, 0, ended.stderr[-2000:])


if __name__ == "__main__":
    unittest.main()
