"""`index.html` of the demo: everything that was made, as the customer, the shop and an auditor see it.

One page without scripts that opens from the folder. Its pictures are made where `pdftoppm` (poppler) and Chromium are
installed; without them the page links to the files alone and says so. Text of documents and messages is put into the
page as text; a composed HTML document is shown in a frame that may run nothing.
"""

from __future__ import annotations

import contextlib
import http
import http.client
import json
import os
import re
import shutil
import subprocess
import threading
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

PICTURE_SECONDS = 60
ANSWER_SECONDS = 10
PAGE_WIDTH = 420
# the extension in the admin: each language of its texts, and the same opened by an action
ADMIN_SCENES = {
    "block-en": "the block on the page of the order, in English",
    "block-de": "in German",
    "block-fr": "in French",
    "block-en-why": "why it stands where it does, on request",
    "action-en": "the same under “More actions”",
}
ADMIN_SCREEN = (720, 1000)
ADMIN_SECONDS = 60
# of the page's own time: it asks the console before it is whole
ADMIN_PATIENCE_MS = 15_000
# the widths of a phone and of a desktop, in CSS pixels
SCREENS = {"phone": (390, 844), "desktop": (1280, 800)}
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 76rem; padding: 1rem; color: #1f2328 }
h2 { margin-top: 3rem; border-bottom: 1px solid #d1d9e0 }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1.5rem }
.card { border: 1px solid #d1d9e0; border-radius: 8px; padding: 1rem; overflow-wrap: anywhere }
.card img { width: 100%; border: 1px solid #d1d9e0 }
.card h3 { margin: 0.5rem 0 0 }
.row { display: flex; flex-wrap: wrap; gap: 2rem; align-items: flex-start }
.mail { flex: 1 1 30rem }
iframe { width: 100%; height: 40rem; border: 1px solid #d1d9e0; background: #fff }
.sms { background: #dff3e4; border-radius: 1rem; padding: 1rem; max-width: 20rem; overflow-wrap: anywhere }
.screen img { border: 1px solid #d1d9e0; max-width: 100% }
pre { white-space: pre-wrap }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: 0 }
dt, .note { color: #59636e }
dd { margin: 0 }
table { border-collapse: collapse }
td, th { border: 1px solid #d1d9e0; padding: 0.25rem 0.75rem; text-align: left }
"""


@dataclass(frozen=True)
class Message:
    """What Core Messaging took for a communication: an e-mail, or the text of an SMS."""

    kind: str
    communication: str
    to: str
    text: str
    subject: str = ""
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Made:
    """A communication with its record and the files that were saved beside it."""

    communication: str
    state: str
    channel: str
    record: dict[str, Any]
    record_file: Path
    files: tuple[Path, ...]

    @property
    def title(self) -> str:
        text: str = self.record["document"]
        return text.replace("-", " ").capitalize()


@dataclass(frozen=True)
class Admin:
    """What it takes to show an order as an agent sees it: the metafield that Shopify has, and the console."""

    folder: Path
    shop: str
    order: str
    metafield: str
    console_url: str
    # of the app, as the admin has them
    client_id: str
    client_secret: str


@dataclass
class Gallery:
    out: Path
    made: list[Made]
    messages: list[Message]
    # what Shopify has on the order of the first part
    reported: list[dict[str, Any]]
    # what the addresses of published documents begin with
    documents_url: str
    # absent: no order was reported on
    admin: Admin | None = None
    notes: list[str] = field(default_factory=list)

    def write(self) -> Path:
        html = Element("html", lang="en")
        head = SubElement(html, "head")
        SubElement(head, "meta", charset="utf-8")
        SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
        SubElement(head, "title").text = "What the demo made"
        SubElement(head, "style").text = STYLE
        body = SubElement(SubElement(html, "body"), "main")
        SubElement(body, "h1").text = "What the demo made"
        self._every_channel(body)
        self._admin(body)
        self._reported(body)
        for flow in dict.fromkeys(it.record["flow"] for it in self.made):
            SubElement(body, "h2").text = flow.replace("-", " ").capitalize()
            cards = SubElement(body, "div", {"class": "cards"})
            for it in self.made:
                if it.record["flow"] == flow:
                    self._card(cards, it)
        for note in dict.fromkeys(self.notes):
            SubElement(body, "p", {"class": "note"}).text = note
        page = self.out / "index.html"
        page.write_text(
            "<!doctype html>\n" + tostring(html, encoding="unicode", method="html"), encoding="utf-8"
        )
        return page

    def _every_channel(self, body: Element) -> None:
        """A communication's messages: the e-mail as it arrives, the SMS, and the page that its link opens."""
        shown = {it.communication: it for it in self.made}
        messages = [it for it in self.messages if it.communication in shown]
        if not messages:
            return
        SubElement(body, "h2").text = "What the customer gets"
        row = SubElement(body, "div", {"class": "row"})
        for message in messages:
            of = shown[message.communication]
            if message.kind == "sms":
                self._sms(row, message)
            elif any(file.suffix == ".html" for file in of.files):
                self._mail(row, message, of)
        for link in self._links(messages):
            if answers(link):
                self._screens(body, link)
            else:
                self.notes.append(f"No pictures of pages on the web: {link} does not answer.")

    def _mail(self, row: Element, message: Message, of: Made) -> None:
        mail = SubElement(row, "section", {"class": "mail"})
        SubElement(mail, "h3").text = f"E-mail: {message.subject}"
        SubElement(mail, "p", {"class": "note"}).text = f"to {message.to}"
        page = next(file for file in of.files if file.suffix == ".html")
        frame = {"src": page.name, "title": f"{of.title} as an e-mail", "sandbox": "", "loading": "lazy"}
        SubElement(mail, "iframe", frame).text = ""
        if message.attachments:
            SubElement(mail, "p").text = "attached: " + ", ".join(message.attachments)

    @staticmethod
    def _sms(row: Element, message: Message) -> None:
        sms = SubElement(row, "section")
        SubElement(sms, "h3").text = "SMS"
        SubElement(sms, "p", {"class": "note"}).text = f"to {message.to}"
        SubElement(sms, "p", {"class": "sms"}).text = message.text

    def _links(self, messages: Iterable[Message]) -> list[str]:
        """The first page that a message leads to. It names the API as AWS would; here the emulator answers for it."""
        api = (urllib.parse.urlsplit(self.documents_url).hostname or "").partition(".")[0]
        pattern = re.compile(rf"https?://{re.escape(api)}\.[\w.:-]+(/d/[\w-]+)")
        paths = [path for it in messages for path in pattern.findall(it.text)]
        return [self.documents_url + path for path in paths[:1]]

    def _screens(self, body: Element, link: str) -> None:
        SubElement(body, "h3").text = "The page that the link opens"
        row = SubElement(body, "div", {"class": "row"})
        for name, (width, height) in SCREENS.items():
            picture = self.out / f"web-page-{name}.png"
            if self._screenshot(link, picture, width, height):
                figure = SubElement(row, "figure", {"class": "screen"})
                SubElement(
                    figure, "img", src=picture.name, alt=f"The page on a {name}", width=str(width // 2)
                )
                SubElement(figure, "figcaption").text = f"{name}, {width} px"

    def _admin(self, body: Element) -> None:
        """The order in the Shopify admin, with its metafield and the console, which both live while this is made."""
        if self.admin is None:
            return
        try:
            with order_page(self.admin, self.out) as base:
                pictures = self._of_admin(base)
        except (OSError, subprocess.SubprocessError, ValueError) as problem:
            self.notes.append(f"No pictures of the order in the admin: {problem}.")
            return
        if not pictures:
            return
        SubElement(body, "h2").text = "What an agent sees on the order in the Shopify admin"
        note = "The extension as it is deployed, in a stand-in of the admin; the table below says the same in words."
        SubElement(body, "p", {"class": "note"}).text = note
        row = SubElement(body, "div", {"class": "row"})
        for name, picture in pictures.items():
            figure = SubElement(row, "figure", {"class": "screen"})
            width = str(ADMIN_SCREEN[0] * 2 // 3)
            SubElement(figure, "img", src=picture.name, alt=f"The order: {ADMIN_SCENES[name]}", width=width)
            SubElement(figure, "figcaption").text = ADMIN_SCENES[name]

    def _of_admin(self, base: str) -> dict[str, Path]:
        pictures = {name: self.out / f"admin-{name}.png" for name in ADMIN_SCENES}
        patience = f"--virtual-time-budget={ADMIN_PATIENCE_MS}"
        return {
            name: picture
            for name, picture in pictures.items()
            if self._screenshot(f"{base}/?scene={name}", picture, *ADMIN_SCREEN, patience)
        }

    def _reported(self, body: Element) -> None:
        if not self.reported:
            return
        SubElement(body, "h2").text = "What Shopify has on the order"
        columns = ("label", "state", "channel", "address", "sent", "delivered", "failed", "reason")
        table = SubElement(body, "table")
        heads = SubElement(table, "tr")
        for column in columns:
            SubElement(heads, "th").text = column
        for entry in self.reported:
            row = SubElement(table, "tr")
            for column in columns:
                value = entry.get(column, "")
                SubElement(row, "td").text = value["en"] if isinstance(value, dict) else str(value)

    def _card(self, cards: Element, it: Made) -> None:
        card = SubElement(cards, "section", {"class": "card"})
        pdf = next((file for file in it.files if file.suffix == ".pdf"), None)
        picture = self._page(pdf) if pdf else None
        if pdf and picture:
            link = SubElement(card, "a", href=pdf.name)
            SubElement(link, "img", src=picture.name, alt=f"First page: {it.title}", loading="lazy")
        SubElement(card, "h3").text = it.title
        facts = SubElement(card, "dl")
        template = it.record["template"]
        for name, value in {
            "about": it.record.get("name", it.record["subject"]),
            "language": it.record["locale"],
            "state": it.state,
            "channel": it.channel,
            "template": f"version {template.get('version', 'unknown')} ({template['basis']})",
            "locked until": it.record["retention"]["until"][:10],
        }.items():
            SubElement(facts, "dt").text = name
            SubElement(facts, "dd").text = value
        files = SubElement(card, "p")
        for file in (*it.files, it.record_file):
            link = SubElement(files, "a", href=file.name)
            link.text = "evidence record" if file == it.record_file else file.suffix[1:].upper()
            link.tail = " · " if file != it.record_file else ""

    def _page(self, pdf: Path) -> Path | None:
        target = pdf.with_suffix(".png")
        scale = ["-scale-to-x", str(PAGE_WIDTH), "-scale-to-y", "-1"]
        command = ["pdftoppm", "-png", "-singlefile", *scale, str(pdf), str(target.with_suffix(""))]
        return target if self._draw(command, "pages of PDF documents") and target.exists() else None

    def _screenshot(self, url: str, target: Path, width: int, height: int, *more: str) -> bool:
        # a browser that the root user starts has no sandbox of its own
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [
            shutil.which("chromium") or shutil.which("google-chrome") or "chromium",
            "--headless=new",
            *root,
            "--hide-scrollbars",
            "--no-first-run",
            f"--user-data-dir={self.out / '.browser'}",
            f"--window-size={width},{height}",
            f"--screenshot={target}",
            *more,
            url,
        ]
        drawn = self._draw(command, "pages on the web") and target.exists()
        shutil.rmtree(self.out / ".browser", ignore_errors=True)
        return drawn

    def _draw(self, command: list[str], what: str) -> bool:
        name = Path(command[0]).name
        if shutil.which(command[0]) is None:
            self.notes.append(f"No pictures of {what}: {name} is not installed.")
            return False
        try:
            done = subprocess.run(command, check=False, capture_output=True, timeout=PICTURE_SECONDS)
        except subprocess.TimeoutExpired:
            self.notes.append(f"Not all pictures of {what}: {name} took longer than {PICTURE_SECONDS} s.")
            return False
        if done.returncode != 0:
            self.notes.append(f"Not all pictures of {what}: {name} ended with exit code {done.returncode}.")
        return done.returncode == 0


@contextlib.contextmanager
def order_page(admin: Admin, out: Path) -> Iterator[str]:
    """Serves the order as the admin shows it; gives its address."""
    metafield = out / "order.metafield.json"
    metafield.write_text(admin.metafield, encoding="utf-8")
    given = {
        "--resource": admin.order,
        "--shop": admin.shop,
        "--metafield": str(metafield),
        "--console": admin.console_url,
    }
    command = ["node", "--import", "tsx", "bin/order-page.ts", *(it for pair in given.items() for it in pair)]
    env = {**os.environ, "CLIENT_ID": admin.client_id, "CLIENT_SECRET": admin.client_secret}
    server = subprocess.Popen(
        command,
        cwd=admin.folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    late = threading.Timer(ADMIN_SECONDS, server.kill)
    late.start()
    try:
        base = server.stdout.readline().strip() if server.stdout else ""
        if not base:
            raise ValueError("the page does not start")
        late.cancel()
        yield base
    finally:
        late.cancel()
        server.kill()
        server.communicate()


def answers(link: str) -> bool:
    """Whether there is a page. The emulator knows an API by its host, which no resolver need know."""
    parts = urllib.parse.urlsplit(link)
    host = "127.0.0.1" if (parts.hostname or "").endswith(".localhost") else parts.hostname or ""
    connection = http.client.HTTPConnection(host, parts.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("HEAD", parts.path, headers={"Host": parts.netloc})
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def saved(out: Path, states: dict[str, tuple[str, str]]) -> list[Made]:
    """What `ctl show --out` has saved, in the order of `states`: state and channel by communication."""
    found = {}
    for record_file in out.glob("*.record.json"):
        record = json.loads(record_file.read_text(encoding="utf-8"))
        stem = record_file.name.removesuffix(".record.json")
        files = sorted(file for file in out.glob(f"{stem}*") if file.suffix not in (".json", ".png"))
        communication = record["communication"]
        state, channel = states.get(communication, ("", ""))
        found[communication] = Made(communication, state, channel, record, record_file, tuple(files))
    return [found[communication] for communication in states if communication in found]


def emails(taken: Iterable[dict[str, Any]]) -> list[Message]:
    """The e-mails as the stand-in of Core Messaging reports them."""
    return [
        Message(
            kind="email",
            communication=it.get("customer_reference") or "",
            to=", ".join(to["email"] for to in it["destinations"]),
            text="\n".join(part.get("text") or "" for part in it["body"]),
            subject=it["subject"],
            attachments=tuple(part.get("name") or "" for part in it["attachments"]),
        )
        for it in taken
    ]


def texts(taken: Iterable[dict[str, Any]]) -> list[Message]:
    """The text messages as the stand-in of Core Messaging reports them."""
    return [
        Message("sms", it.get("customer_reference") or "", it["number"], it["text"])
        for it in taken
        if it["channel"] == "sms"
    ]
