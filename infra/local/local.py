#!/usr/bin/env python3
"""A whole stack on this machine: emulated AWS, stubs of Exstream and Shopify, the CDK app deployed."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import install
from processes import Failure, tail
from stack import DEFAULT_NAME, SAMPLES, LocalStack, known

DEMO_PORT_BASE = 4580
DEMO_SECONDS = 150


def demo() -> None:
    """Samples in, documents out, everything gone again but the documents."""
    stack = LocalStack("demo", DEMO_PORT_BASE)
    out = stack.directory / "out"
    shutil.rmtree(out, ignore_errors=True)
    stack.up()
    try:
        samples = sorted(SAMPLES.glob("*.json"))
        heading(f"{len(samples)} events from Shopify")
        ctl(stack, "send", *map(str, samples))
        for shop, order in orders(samples):
            status = ["status", "--shop", shop, "--order", order]
            heading(f"documents and evidence of {order}")
            for line in ctl(stack, *status, "--json", capture=True).splitlines():
                ctl(stack, "show", json.loads(line)["communication"], "--out", str(out))
            heading(f"what Shopify shows for {order}")
            ctl(stack, *status, "--metafield")
    finally:
        stack.down()


def orders(samples: list[Path]) -> list[tuple[str, str]]:
    found: dict[tuple[str, str], None] = {}
    for sample in samples:
        detail = json.loads(sample.read_text())["detail"]
        shop = detail["metadata"]["X-Shopify-Shop-Domain"]
        found[shop, detail["payload"]["admin_graphql_api_id"]] = None
    return list(found)


def ctl(stack: LocalStack, *arguments: str, capture: bool = False) -> str:
    command = [str(install.require_binary("ctl")), *arguments]
    try:
        done = subprocess.run(
            command,
            env=stack.environment(),
            stdin=subprocess.DEVNULL,
            timeout=DEMO_SECONDS,
            text=True,
            check=True,
            stdout=subprocess.PIPE if capture else None,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        log = stack.processes.log("ministack")
        raise Failure(f"{error}\nthe functions log to {log}\n{tail(log)}") from None
    return done.stdout or ""


def heading(text: str) -> None:
    print(f"\n── {text}", flush=True)


def interrupt(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, text in {
        "up": "start a stack; deploy again into one that runs",
        "down": "end a stack and everything it started",
        "status": "say what runs and where",
        "exec": "run a command with the environment of a stack",
        "demo": "start a stack, send the samples, show what came of them, end it",
        "package": "copy the functions' binaries to target/lambda",
        "install": "install the emulator and the CDK app's packages",
    }.items():
        command = verbs.add_parser(verb, help=text, description=text)
        if verb in ("up", "down", "status", "exec"):
            command.add_argument("--name", default=DEFAULT_NAME)
        if verb == "down":
            command.add_argument("--all", action="store_true", help="every stack of this folder")
        if verb == "up":
            help_ports = "first of three ports; default: 4566 or GATEWAY_PORT, 4601 and 4602"
            command.add_argument("--port-base", type=int, help=help_ports)
        if verb == "exec":
            command.add_argument("command", nargs=argparse.REMAINDER, help="the command, behind `--`")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, interrupt)
    try:
        return act(arguments)
    except Failure as failure:
        print(f"local: {failure}", file=sys.stderr)
        return 1


def act(arguments: argparse.Namespace) -> int:
    stack = LocalStack(getattr(arguments, "name", DEFAULT_NAME), getattr(arguments, "port_base", None))
    match arguments.verb:
        case "up":
            stack.up()
        case "down":
            for name in known() if arguments.all else [stack.name]:
                LocalStack(name, None).down()
        case "status":
            return 0 if stack.status() else 3
        case "exec":
            command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
            if not command:
                raise Failure("exec needs a command")
            os.execvpe(command[0], command, stack.environment())
        case "demo":
            demo()
        case "package":
            install.package_functions()
        case "install":
            install.node_packages()
            install.emulator()
    return 0


if __name__ == "__main__":
    sys.exit(main())
