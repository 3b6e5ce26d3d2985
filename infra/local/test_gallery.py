"""The demo's page: what a document says is text in it, and a missing tool costs pictures, not the page."""

from __future__ import annotations

import json
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock

from gallery import Admin, Gallery, Made, Message, emails, saved, texts

HOSTILE = "</style></title><script>alert(1)</script>\u202e&amp;\"'><img src=x onerror=alert(1)>"
ID = "c751c91f91b15db309f8efc0a413722d"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def record(**other: object) -> dict[str, object]:
    return {
        "communication": ID,
        "flow": "order-confirmation",
        "document": "receipt",
        "subject": "gid://shopify/Order/1",
        "name": HOSTILE,
        "locale": "fr",
        "template": {"version": 12, "basis": "assumed"},
        "retention": {"until": "2033-11-23T15:00:47Z"},
        **other,
    }


class TestGallery(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name)
        (self.out / f"receipt-{ID}.record.json").write_text(json.dumps(record()))
        for ending in ("pdf", "html"):
            (self.out / f"receipt-{ID}.{ending}").write_bytes(b"what was composed")

    def made(self) -> list[Made]:
        return saved(self.out, {ID: ("delivered", "email"), "another": ("failed", "-")})

    def page(self, messages: list[Message], path: str) -> tuple[Tags, Gallery]:
        reported = [{"label": {"en": "Receipt", "fr": "Reçu"}, "state": HOSTILE}]
        gallery = Gallery(self.out, self.made(), messages, reported, "http://api.localhost:1")
        with mock.patch.dict("os.environ", {"PATH": path}):
            text = gallery.write().read_text(encoding="utf-8")
        tags = Tags()
        tags.feed(text)
        return tags, gallery

    def test_what_a_document_says_is_text(self) -> None:
        messages = [
            Message("email", ID, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,)),
            Message("sms", ID, HOSTILE, HOSTILE),
        ]
        tags, _ = self.page(messages, "")
        self.assertEqual(7, tags.text.count(HOSTILE))
        names = [name for name, _ in tags.tags]
        self.assertNotIn("script", names)
        self.assertNotIn("img", names)
        self.assertFalse([attrs for _, attrs in tags.tags if any(key.startswith("on") for key in attrs)])

    def test_a_composed_page_may_run_nothing(self) -> None:
        tags, _ = self.page([Message("email", ID, "a@b.example", "text", "Receipt")], "")
        frames = [attrs for name, attrs in tags.tags if name == "iframe"]
        self.assertEqual([("", f"receipt-{ID}.html")], [(it["sandbox"], it["src"]) for it in frames])

    def test_without_tools_the_page_links_to_every_file_and_says_what_is_missing(self) -> None:
        tags, gallery = self.page([], "")
        links = {attrs["href"] for name, attrs in tags.tags if name == "a"}
        self.assertLessEqual({f"receipt-{ID}.{it}" for it in ("pdf", "html", "record.json")}, links)
        self.assertEqual(gallery.notes, ["No pictures of pages of PDF documents: pdftoppm is not installed."])
        self.assertIn(gallery.notes[0], tags.text)

    def test_a_link_that_does_not_answer_is_not_pictured(self) -> None:
        link = "see https://api.execute-api.eu-west-1.amazonaws.com/d/abc_-9, and more"
        _, gallery = self.page([Message("sms", ID, "+33", link)], "")
        missing = "No pictures of pages on the web: http://api.localhost:1/d/abc_-9 does not answer."
        self.assertIn(missing, gallery.notes)

    def test_a_link_to_elsewhere_is_not_opened(self) -> None:
        _, gallery = self.page([Message("sms", ID, "+33", "https://other.example/d/abc")], "")
        self.assertFalse([note for note in gallery.notes if "web" in note])

    def test_the_order_is_shown_as_the_extension_shows_it(self) -> None:
        metafield = json.dumps({"v": 2, "communications": [{"document": HOSTILE}]})
        folder = self.out / "app"
        (folder / "bin").mkdir(parents=True)
        admin = Admin(
            folder,
            "a.myshopify.com",
            "gid://shopify/Order/1",
            metafield,
            "http://c.localhost:1",
            "id",
            "secret",
        )
        gallery = Gallery(self.out, self.made(), [], [], "http://api.localhost:1", admin)
        tools = self.out / "tools"
        tools.mkdir()
        # a page that says where it is and what it was given, and a browser that draws what it is asked for
        for name, script in {
            "node": 'printf "%s %s" "$CLIENT_ID" "$*" > given; echo http://127.0.0.1:9; exec sleep 60',
            "chromium": 'for it in "$@"; do case $it in --screenshot=*) echo "$*" > "${it#*=}";; esac; done',
        }.items():
            (tools / name).write_text(f"#!/bin/sh\n{script}\n")
            (tools / name).chmod(0o755)
        with mock.patch.dict("os.environ", {"PATH": f"{tools}:/usr/bin:/bin"}):
            text = gallery.write().read_text(encoding="utf-8")
        tags = Tags()
        tags.feed(text)
        pictures = [str(attrs["src"]) for name, attrs in tags.tags if name == "img"]
        shown = ("block-en", "block-de", "block-fr", "block-en-why", "action-en")
        self.assertLessEqual({f"admin-{it}.png" for it in shown}, set(pictures))
        self.assertIn("http://127.0.0.1:9/?scene=block-fr", (self.out / "admin-block-fr.png").read_text())
        self.assertEqual(metafield, (self.out / "order.metafield.json").read_text())
        self.assertIn(
            "id --import tsx bin/order-page.ts --resource gid://shopify/Order/1",
            (folder / "given").read_text(),
        )
        self.assertNotIn("secret", text)

    def test_without_the_page_of_the_admin_the_rest_is_shown(self) -> None:
        admin = Admin(
            self.out / "none",
            "a.myshopify.com",
            "gid://shopify/Order/1",
            "{}",
            "http://c.localhost:1",
            "i",
            "s",
        )
        gallery = Gallery(self.out, self.made(), [], [], "http://api.localhost:1", admin)
        with mock.patch.dict("os.environ", {"PATH": ""}):
            text = gallery.write().read_text(encoding="utf-8")
        self.assertIn("No pictures of the order in the admin", text)
        self.assertIn("Order confirmation", text)

    def test_a_message_of_a_document_that_is_not_shown_is_left_out(self) -> None:
        tags, _ = self.page([Message("sms", "another", "+33", "not shown")], "")
        self.assertNotIn("not shown", tags.text)

    def test_e_mails_are_read_as_the_stand_in_reports_them(self) -> None:
        taken = {
            "customer_reference": ID,
            "subject": "Receipt",
            "destinations": [{"ref": ID, "email": "a@b.example"}],
            "body": [{"name": "message.txt", "text": "hello"}],
            "attachments": [{"name": "Receipt 1001.pdf", "text": None}],
        }
        expected = Message("email", ID, "a@b.example", "hello", "Receipt", ("Receipt 1001.pdf",))
        self.assertEqual([expected], emails([taken]))

    def test_text_messages_are_read_as_the_stand_in_reports_them(self) -> None:
        taken = {"channel": "sms", "customer_reference": ID, "number": "+33612345678", "text": "hello"}
        template = {"channel": "whatsapp", "customer_reference": ID, "number": "33612345678", "text": None}
        self.assertEqual([Message("sms", ID, "+33612345678", "hello")], texts([taken, template]))


if __name__ == "__main__":
    unittest.main()
