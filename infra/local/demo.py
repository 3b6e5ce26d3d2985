"""The demonstration: a sample of every flow and a month's statements in, documents and a table of them out.

What one sample or run does wrong is said at the end and keeps no other from being shown.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from typing import Any

import bulk
import foreign_check
import gallery
import install
from processes import Failure, tail
from progress import Communication, Progress, nothing_else, table
from stack import CONFIGS, CREDENTIALS, SAMPLES, SHOP, LocalStack

PORT_BASE = 4580
# `ctl send`: everything has settled, and something was not delivered
NOT_DELIVERED = 5
CUSTOMERS = 2_000
PERIOD = bulk.Period(2026, 10)
EVENT_SECONDS = 120
RUN_SECONDS = 900
CTL_SECONDS = 150
STATEMENTS = "account-statements"
PROVED = "order-confirmation"
SEAL_PASSES = 40
# the Admin API's rate on the Plus plan: on the smallest one, reporting 2,000 documents takes minutes
PLUS = {"bucket_size": 20_000, "restore_rate": 1_000}


class Demo:
    def __init__(self) -> None:
        self.stack = LocalStack("demo", PORT_BASE)
        self.out = self.stack.directory / "out"
        self.problems: list[str] = []

    def run(self) -> None:
        shutil.rmtree(self.out, ignore_errors=True)
        self.stack.up()
        try:
            self.stack.tell_shopify("settings", json.dumps(PLUS).encode())
            self.progress = Progress(self.stack.emulator(), self.stack.outputs())
            self.events()
            # the first pass of a day has its checkpoint time-stamped: what is proved is in it
            self.seal()
            self.runs()
            self.statements()
            self.later()
            for name, count in self.progress.dead_letters().items():
                self.problems.append(f"{count} messages are in the dead letters of {name}")
            made = self.progress.communications()
            self.show(made)
            heading(f"{len(made)} documents")
            print("\n".join(table(made)), flush=True)
            self.prove(made)
        finally:
            self.stack.down()
        if self.problems:
            raise Failure("\n".join(["the demo is not complete:", *self.problems]))

    def events(self) -> None:
        """One `ctl` a flow, all at once; each waits for the communications that it can foresee."""
        files = [*sorted(SAMPLES.glob("*.json")), *sorted(SAMPLES.glob("*/*.json"))]
        folders = {file.parent: [it for it in files if it.parent == file.parent] for file in files}
        heading(f"{len(files)} events from Shopify")
        sending = {
            folder: subprocess.Popen(
                ctl("send", "--json", *(str(file.relative_to(install.ROOT)) for file in of_folder)),
                cwd=install.ROOT,
                env=self.stack.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
            for folder, of_folder in folders.items()
        }
        try:
            self.watch(EVENT_SECONDS, until=lambda: all(it.poll() is not None for it in sending.values()))
        finally:
            for process in sending.values():
                process.kill()
                process.wait()
        for folder, process in sending.items():
            if process.returncode not in (0, NOT_DELIVERED):
                self.problems.append(f"the events of {folder.relative_to(install.ROOT)} have not settled")

    def runs(self) -> None:
        """Every campaign of the shop, as if its schedule had come."""
        campaigns = config().get("marketing", {}).get("campaigns", {})
        if campaigns:
            heading(f"{len(campaigns)} campaigns: {', '.join(campaigns)}")
            for campaign in campaigns:
                self.ctl("run", SHOP, campaign, "--no-wait")
            self.watch(EVENT_SECONDS, flows=("targeted-offers",))

    def statements(self) -> None:
        heading(f"statements of {PERIOD} for {CUSTOMERS} customers")
        file = self.stack.directory / "bulk.jsonl"
        objects = bulk.write(file, CUSTOMERS, PERIOD)
        size = file.stat().st_size / 1e6
        name = file.relative_to(install.ROOT)
        print(f"{name}: {size:.1f} MB, {CUSTOMERS} accounts, {objects - CUSTOMERS} orders", flush=True)
        accounts = list(bulk.accounts(CUSTOMERS, PERIOD))
        self.stack.tell_shopify("documents", json.dumps(accounts).encode())
        result = {"file": str(file), "objects": objects, "root_objects": CUSTOMERS}
        self.stack.tell_shopify("bulk", json.dumps(result).encode())
        if self.ctl("run", SHOP, STATEMENTS, "--period", str(PERIOD), "--no-wait"):
            self.watch(RUN_SECONDS, flows=(STATEMENTS,), expected=CUSTOMERS * len(documents_of_statements()))

    def later(self) -> None:
        """What the schedules would do: ask the channels, and look for missed events."""
        heading("what the channels say, and missed events")
        for function in ("delivery-status", "reconcile"):
            try:
                print(f"{function}: {self.stack.invoke(function)}", flush=True)
            except Failure as failure:
                self.problems.append(str(failure))
        self.watch(EVENT_SECONDS)

    def show(self, made: list[Communication]) -> None:
        """Saves one document of each kind with its evidence."""
        heading(f"a document of each kind, with its evidence, in {self.out.relative_to(install.ROOT)}")
        shown: set[str] = set()
        for it in made:
            if it.document not in shown and it.state in ("archived", "accepted", "delivered", "bounced"):
                shown.add(it.document)
                self.ctl("show", it.id, "--out", str(self.out.relative_to(install.ROOT)))
        self.page(made)
        heading(f"what Shopify shows for {order_of_samples()}")
        self.ctl("status", "--shop", SHOP, "--order", order_of_samples(), "--metafield")

    def prove(self, made: list[Communication]) -> None:
        """Seals what was archived, has tools of others check the proof of one document, and shows that a copy that was
        tampered with fails.
        """
        heading("sealed, and proved to who trusts nobody here")
        if not self.seal():
            return
        kinds = ("archived", "accepted", "delivered")
        it = next((it for it in made if it.document == PROVED and it.state in kinds), None)
        if it is None:
            self.problems.append(f"there is no {PROVED} to prove")
            return
        if not self.ctl("proof", it.id, "--out", str(self.out.relative_to(install.ROOT))):
            return
        bundle = self.out / f"{it.document}-{it.id}.proof.zip"
        folder = self.out / "proof"
        foreign_check.unpack(bundle, folder)
        name = folder.relative_to(install.ROOT)
        if not (folder / foreign_check.TIME_STAMP).exists():
            self.problems.append(f"{name} has no time-stamp")
        objection = foreign_check.check(folder)
        if objection is None:
            print(
                f"{name}: OpenSSL and coreutils accept it; {name}/{foreign_check.PAGE} has the commands",
                flush=True,
            )
        else:
            self.problems.append(f"OpenSSL and coreutils refuse {name}: {objection}")
        tampered = self.out / "proof-tampered"
        shutil.copytree(folder, tampered)
        changed = foreign_check.tamper(tampered).relative_to(install.ROOT)
        objection = foreign_check.check(tampered)
        if objection is None:
            self.problems.append(f"one byte of {changed} was changed, and nothing objects")
        else:
            print(f"{changed}, with one byte changed, is refused: {objection}", flush=True)

    def seal(self) -> bool:
        """Pass after pass, each as long as a function may run here, until one finds nothing to seal."""
        try:
            for _ in range(SEAL_PASSES):
                answer = self.stack.invoke("archive-seal")
                print(f"archive-seal: {answer}", flush=True)
                done = json.loads(answer)
                if done["sealed"] == 0 and done["failed_shops"] == 0:
                    return True
        except Failure as failure:
            self.problems.append(str(failure))
            return False
        self.problems.append(f"archive-seal has more to seal after {SEAL_PASSES} passes")
        return False

    def page(self, made: list[Communication]) -> None:
        """Everything that was saved, on one page."""
        metafields = self.stack.ask_stub("shopify", f"metafields?owner={order_of_samples()}")["metafields"]
        page = gallery.Gallery(
            self.out,
            gallery.saved(self.out, {it.id: (it.state, it.channel) for it in made}),
            [
                *gallery.emails(self.stack.ask_stub("exstream", "emails")["emails"]),
                *gallery.texts(self.stack.ask_stub("exstream", "texts")["texts"]),
            ],
            [entry for it in metafields for entry in json.loads(it["value"])["communications"]],
            self.stack.documents_url(),
            self.admin(metafields),
        )
        heading(f"all of it on one page: {page.write().relative_to(install.ROOT)}")

    def admin(self, metafields: list[dict[str, Any]]) -> gallery.Admin | None:
        """The order of the samples as an agent sees it, if anything was reported on it."""
        value = next(
            (it["value"] for it in metafields if json.loads(it["value"]).get("communications")), None
        )
        if value is None:
            return None
        try:
            folder = install.app_packages()
        except Failure as failure:
            self.problems.append(str(failure))
            return None
        return gallery.Admin(folder, SHOP, order_of_samples(), value, self.stack.console_url(), **CREDENTIALS)

    def watch(
        self,
        seconds: float,
        *,
        until: Callable[[], bool] = nothing_else,
        flows: tuple[str, ...] | None = None,
        expected: int = 0,
    ) -> None:
        try:
            self.progress.watch(seconds, until=until, flows=flows, expected=expected)
        except Failure as failure:
            log = self.stack.processes.log("ministack")
            self.problems.append(f"{failure}; the functions log to {log}\n{tail(log)}")

    def ctl(self, *arguments: str) -> bool:
        try:
            done = subprocess.run(
                ctl(*arguments),
                check=False,
                cwd=install.ROOT,
                env={**self.stack.environment(), "CTL_ACTOR": "demo", "CTL_REASON": "the demo shows it"},
                stdin=subprocess.DEVNULL,
                timeout=CTL_SECONDS,
            )
        except subprocess.TimeoutExpired:
            self.problems.append(f"`ctl {' '.join(arguments)}` took longer than {CTL_SECONDS} s")
            return False
        if done.returncode != 0:
            self.problems.append(f"`ctl {' '.join(arguments)}` failed with exit code {done.returncode}")
        return done.returncode == 0


def ctl(*arguments: str) -> list[str]:
    return [str(install.require_binary("ctl")), *arguments]


def config() -> dict[str, Any]:
    return tomllib.loads((CONFIGS / "demo-shop.toml").read_text())


def order_of_samples() -> str:
    """The order whose documents are shown as Shopify has them."""
    payload = json.loads((SAMPLES / "orders-create.json").read_text())["detail"]["payload"]
    order: str = payload["admin_graphql_api_id"]
    return order


def documents_of_statements() -> list[str]:
    """What an account gets at the end of a month."""
    documents = config()["documents"]
    return [
        name
        for name in ("account-statement", "purchase-summary")
        if name in documents and documents[name].get("enabled", True)
    ]


def heading(text: str) -> None:
    print(f"\n── {text}", flush=True)
