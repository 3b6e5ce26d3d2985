from __future__ import annotations

import base64
import hashlib
import subprocess
import tempfile
import unittest
from pathlib import Path

import foreign_check
import install

PAGES = install.ROOT / "shared/sealed-log/src/bundle"
CHECK = '  grep -o "\\"sha256\\":\\"$(sha256sum < document.pdf | cut -c 1-64)\\"" record.json\n'


STEMS = "record fact-01"


def page() -> str:
    """That of a document with one fact, without time-stamps."""
    facts = (PAGES / "page-facts.txt").read_text().replace("{chain}", "fact-01")
    page = (PAGES / "page.txt").read_text().replace("{checks}\n", CHECK).replace("{facts}\n", facts)
    for placeholder in ("{documents}", "{parts}", "{time}", "{limits}", "{lines}"):
        page = page.replace(placeholder, "")
    return page.replace("{stems}", STEMS)


def bundle(folder: Path) -> None:
    """A document and a fact in logs of one leaf, made by OpenSSL and by nothing of this project."""
    document = b"%PDF-1.7 " + bytes(range(256))
    record = f'{{"outputs":[{{"sha256":"{hashlib.sha256(document).hexdigest()}"}}]}}'
    (folder / "document.pdf").write_bytes(document)
    (folder / "record.json").write_text(record)
    sha256 = hashlib.sha256(record.encode()).hexdigest()
    (folder / "fact-01.json").write_text(f'{{"number":1,"previous_sha256":"{sha256}"}}')
    (folder / foreign_check.PAGE).write_text(page())
    root = base64.b64encode(hashlib.sha256(b"\0entry").digest()).decode()
    text = f"archive/log/acme\n1\n{root}\n"
    (folder / "text").write_text(text)
    openssl(folder, "genpkey", "-algorithm", "ed25519", "-out", "key.pem")
    openssl(folder, "pkey", "-in", "key.pem", "-pubout", "-out", "log-key.pem")
    openssl(folder, "pkeyutl", "-sign", "-inkey", "key.pem", "-rawin", "-in", "text", "-out", "signature")
    signature = base64.b64encode(b"hint" + (folder / "signature").read_bytes()).decode()
    proof = f"c2sp.org/tlog-proof@v1\nindex 0\n\n{text}\n\u2014 archive/log/acme {signature}\n"
    for stem in STEMS.split():
        (folder / f"{stem}.salt").write_bytes(bytes(32))
        (folder / f"{stem}.tlog-proof").write_text(proof)


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, cwd=folder, capture_output=True)


class ForeignCheckTest(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        bundle(self.folder)

    def test_what_is_whole_is_accepted(self) -> None:
        self.assertIsNone(foreign_check.check(self.folder))

    def test_a_changed_document_is_refused(self) -> None:
        foreign_check.tamper(self.folder)
        self.assertEqual(foreign_check.check(self.folder), "the document's SHA-256 is not in its record")

    def test_a_fact_of_another_record_is_refused(self) -> None:
        fact = self.folder / "fact-01.json"
        fact.write_text(fact.read_text().replace(':"', ':"0'))
        self.assertIsNotNone(foreign_check.check(self.folder))

    def test_a_changed_checkpoint_of_a_fact_is_refused(self) -> None:
        proof = self.folder / "fact-01.tlog-proof"
        proof.write_text(proof.read_text().replace("\n1\n", "\n2\n"))
        self.assertIn("Signature Verification Failure", foreign_check.check(self.folder) or "")

    def test_a_changed_checkpoint_is_refused(self) -> None:
        proof = self.folder / "record.tlog-proof"
        proof.write_text(proof.read_text().replace("\n1\n", "\n2\n"))
        self.assertIn("Signature Verification Failure", foreign_check.check(self.folder) or "")

    def test_the_page_has_commands_for_each_step(self) -> None:
        self.assertEqual(len(foreign_check.commands(page())), 15)


if __name__ == "__main__":
    unittest.main()
