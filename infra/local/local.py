#!/usr/bin/env python3
"""A whole stack on this machine: emulated AWS, stubs of Exstream and Shopify, the CDK app deployed."""

from __future__ import annotations

import argparse
import os
import signal
import sys

import install
import packages
from audit import audit
from demo import Demo
from drill import Drill
from processes import Failure
from stack import DEFAULT_NAME, LocalStack, known


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
        "invoke": "run a function once, as its schedule would, and print its answer",
        "functions": "print the names of all functions",
        "audit": "check the dependencies: vulnerabilities, licences, bans, sources",
        "rights": "compare what the roles may do with what was recorded",
        "demo": "start a stack, send the samples, make a month's statements, show what came of it, end it",
        "drill": "start a stack, lose it and its tables, restore and adopt them, compare, end it",
        "package": "copy the functions' binaries to target/lambda",
        "packages": "build the zips that are deployed, with their hashes and what they are built from",
        "install": "install the emulator, the fonts, the packages of both apps, and what checks the infrastructure",
    }.items():
        command = verbs.add_parser(verb, help=text, description=text)
        if verb in ("up", "down", "status", "exec", "invoke", "rights"):
            command.add_argument("--name", default=DEFAULT_NAME)
        if verb == "down":
            command.add_argument("--all", action="store_true", help="every stack of this folder")
        if verb == "up":
            help_ports = "first of three ports; default: 4566 or GATEWAY_PORT, 4601 and 4602"
            command.add_argument("--port-base", type=int, help=help_ports)
            help_deployed = "run the programs that are deployed, not the one that holds all functions"
            command.add_argument("--as-deployed", action="store_true", help=help_deployed)
            help_record = "record every AWS call of the functions; takes a fourth port"
            command.add_argument("--record", action="store_true", help=help_record)
        if verb == "packages":
            command.add_argument("architecture", nargs="*", default=list(packages.ARCHITECTURES))
        if verb == "invoke":
            command.add_argument("function", choices=install.BY_KIND["pass"])
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
    stack = LocalStack(
        getattr(arguments, "name", DEFAULT_NAME),
        getattr(arguments, "port_base", None),
        getattr(arguments, "record", False),
    )
    match arguments.verb:
        case "up":
            stack.up(as_deployed=arguments.as_deployed)
        case "down":
            for name in known() if arguments.all else [stack.name]:
                LocalStack(name, None).down()
        case "functions":
            print(*install.FUNCTIONS)
        case "status":
            return 0 if stack.status() else 3
        case "exec":
            command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
            if not command:
                raise Failure("exec needs a command")
            os.execvpe(command[0], command, stack.environment())
        case "invoke":
            print(stack.invoke(arguments.function))
        case "audit":
            return 0 if audit() else 1
        case "rights":
            return 0 if stack.rights() else 1
        case "demo":
            Demo().run()
        case "drill":
            Drill().run()
        case "package":
            install.package_functions()
        case "packages":
            for architecture in arguments.architecture:
                if architecture not in packages.ARCHITECTURES:
                    raise Failure(f"{architecture} is none of {', '.join(packages.ARCHITECTURES)}")
                print(packages.make(architecture))
        case "install":
            install.node_packages()
            install.app_packages()
            install.browser_packages()
            install.emulator()
            install.linters()
            install.terraform_checks()
    return 0


if __name__ == "__main__":
    sys.exit(main())
