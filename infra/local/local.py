#!/usr/bin/env python3
"""A whole stack on this machine: emulated AWS, stubs of Exstream and Shopify, and the CDK app deployed into it.

`up` ends with a stack that answers or with nothing left running; `down` ends everything a stack started. Stacks
of different names and ports know nothing of each other. Only loopback addresses are bound or called.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import install
from emulator import Emulator
from processes import Failure, Processes, Service, begin, require_free, run

ROOT = install.ROOT
PREFIX = "shopify-exstream"
REGION = "eu-west-1"
CONFIGS = ROOT / "infra/local/config"
SAMPLES = ROOT / "infra/local/samples"
DEFAULT_NAME = "default"
DEMO_PORT_BASE = 4580
# the ports that the checked-in shop configurations name
CONFIG_PORTS = {"exstream": 4601, "shopify": 4602}
# what the stubs take; they know no others
CREDENTIALS = {"client_id": "local", "client_secret": "local-secret"}
SHOP_SECRETS = {"shopify": CREDENTIALS, "exstream": CREDENTIALS, "email": CREDENTIALS}
# short waits, so that a person or a test sees a retry happen; everything else is as in AWS
CONTEXT = {
    "createBus": "true",
    "eventSource": "local.partner/shopify.com/",
    "destroyable": "true",
    "asyncRetries": "1",
    "writeBackWindow": "1",
    "configTtl": "1",
    "retryBase": "1",
    "timeoutOrderConfirmation": "30",
    "timeoutWriteBack": "10",
    "lockDays": "1",
}

START_SECONDS = 30
STEP_SECONDS = 180
CTL_SECONDS = 60
DEMO_SECONDS = 150


class LocalStack:
    """One stack: its ports, its folder, and the way up and down."""

    def __init__(self, name: str, port_base: int | None) -> None:
        self.name = name
        self.directory = install.STATE / name
        self.outputs_file = self.directory / "stack.json"
        first = int(os.environ.get("GATEWAY_PORT", "4566"))
        self.ports = (
            {"aws": first, **CONFIG_PORTS}
            if port_base is None
            else {"aws": port_base, "exstream": port_base + 1, "shopify": port_base + 2}
        )
        self.processes = Processes(self.directory)
        # a number of twelve digits is an account of its own, in the emulator as in the CDK command line's cache
        self.account = f"{self.ports['aws']:012d}"

    def url(self, port: str) -> str:
        return f"http://127.0.0.1:{self.ports[port]}"

    @property
    def base_env(self) -> dict[str, str]:
        """Nothing of the caller's own AWS settings: a mistake here must not reach a real account."""
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.directory / "home"),
            "TMPDIR": str(self.directory / "tmp"),
        }

    @property
    def aws_env(self) -> dict[str, str]:
        """What a program needs to talk to this stack."""
        return {
            "AWS_ENDPOINT_URL": self.url("aws"),
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
            "STACK_FILE": str(self.outputs_file),
            "EXSTREAM_STUB_URL": self.url("exstream"),
            "SHOPIFY_STUB_URL": self.url("shopify"),
        }

    @property
    def services(self) -> list[Service]:
        aws = {
            **self.base_env,
            "PYTHONUNBUFFERED": "1",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.ports["aws"]),
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": self.account,
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_SECRET_ACCESS_KEY": "local",
            "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.2",
            # services that would open ports of their own, and containers, are left alone
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": "unix:///dev/null",
        }
        stubs = [
            str(install.require_binary("local-stubs")),
            "--exstream-port", str(self.ports["exstream"]),
            "--shopify-port", str(self.ports["shopify"]),
            "--schema", str(install.ADMIN_SCHEMA),
        ]
        return [
            Service("ministack", [str(install.emulator())], aws, self.url("aws") + "/_ministack/ready"),
            Service("local-stubs", stubs, self.base_env, self.url("shopify") + "/__stub/health"),
        ]

    def running(self) -> bool:
        names = self.processes.names()
        return bool(names) and all(self.processes.pid(name) is not None for name in names)

    @contextlib.contextmanager
    def locked(self):
        with install.exclusive(self.directory / "lock", 5, f"the stack {self.name}"):
            yield

    def up(self) -> None:
        install.node_packages()
        install.emulator()
        code = install.package_functions()
        with self.locked():
            begun = time.monotonic()
            try:
                self._start(code)
            except BaseException:
                with signals_ignored():
                    self._stop()
                raise
            print(f"stack {self.name} is up after {time.monotonic() - begun:.1f} s: {self.outputs_file}", flush=True)

    def down(self) -> None:
        if self.directory.exists():
            with self.locked(), signals_ignored():
                self._stop()

    def _start(self, code: Path) -> None:
        again = self.running() and self.outputs_file.exists()
        if not again:
            self._stop()
            require_free(self.ports)
        for folder in ("home", "tmp", "config"):
            (self.directory / folder).mkdir(parents=True, exist_ok=True)
        synthesis = self._begin_synthesis(code)
        try:
            if not again:
                services = self.services
                for service in services:
                    self.processes.start(service)
                for service in services:
                    self.processes.wait_until_ready(service, START_SECONDS)
                self._cdk("bootstrap", f"aws://{self.account}/{REGION}")
            synthesis.finish(STEP_SECONDS)
        finally:
            synthesis.abandon()
        outputs = self._deploy()
        self._add_what_the_emulator_left_out(outputs)
        self._write_stack_file(outputs)
        self._put_shops()

    def _stop(self) -> None:
        self.processes.stop_all()
        for path in (self.outputs_file, self.directory / "env", *self._default_file()):
            path.unlink(missing_ok=True)
        for folder in ("tmp", "cdk.out", "home"):
            shutil.rmtree(self.directory / folder, ignore_errors=True)

    def _begin_synthesis(self, code: Path):
        context = {
            **CONTEXT,
            "prefix": PREFIX,
            "codeRoot": str(code),
            "endpointUrl": self.url("aws"),
            "architecture": install.architecture(),
        }
        given = [argument for key, value in context.items() for argument in ("--context", f"{key}={value}")]
        command = self._cdk_command("synth", "--quiet", "--output", str(self.directory / "cdk.out"), *given)
        # CloudFormation's schema rules take seconds and are asked by the CDK tests
        env = {**self.base_env, "CDK_VALIDATION": "false"}
        log = self.processes.log("cdk-synth")
        return begin(command, env=env, cwd=install.CDK, log=log, what="synthesizing the stack")

    def _deploy(self) -> dict[str, str]:
        outputs_file = self.directory / "outputs.json"
        self._cdk(
            "deploy", "--app", str(self.directory / "cdk.out"), "--outputs-file", str(outputs_file),
            "--require-approval", "never", "--method", "direct",
        )
        outputs = json.loads(outputs_file.read_text())[PREFIX]
        outputs_file.unlink()
        return outputs

    def _cdk(self, verb: str, *arguments: str) -> None:
        run(
            self._cdk_command(verb, *arguments), env={**self.base_env, **self.aws_env}, cwd=self.directory,
            log=self.processes.log(f"cdk-{verb}"), seconds=STEP_SECONDS, what=f"cdk {verb}",
        )

    def _cdk_command(self, verb: str, *arguments: str) -> list[str]:
        cdk = install.CDK / "node_modules/aws-cdk/bin/cdk"
        return ["node", str(cdk), verb, "--ci", "--no-notices", "--no-version-reporting", *arguments]

    def _emulator(self) -> Emulator:
        return Emulator(self.url("aws"), REGION, self.account)

    def _add_what_the_emulator_left_out(self, outputs: dict[str, str]) -> None:
        template = json.loads((self.directory / "cdk.out" / f"{PREFIX}.template.json").read_text())
        for resource in template["Resources"].values():
            lock = resource.get("Properties", {}).get("ObjectLockConfiguration")
            if lock is not None:
                default = lock["Rule"]["DefaultRetention"]
                self._emulator().lock_objects(outputs["ArchiveBucket"], default["Mode"], default["Days"])

    def _write_stack_file(self, outputs: dict[str, str]) -> None:
        local = {
            "Name": self.name,
            "Region": REGION,
            "AwsEndpointUrl": self.url("aws"),
            "ExstreamUrl": self.url("exstream"),
            "ShopifyUrl": self.url("shopify"),
            "Ports": self.ports,
            "Logs": {name: str(self.processes.log(name)) for name in ("ministack", "local-stubs")},
            "Environment": self.aws_env,
        }
        text = json.dumps({PREFIX: {**outputs, "Local": local}}, indent=2) + "\n"
        exports = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in self.aws_env.items())
        (self.directory / "env").write_text(exports)
        for file in (self.outputs_file, *self._default_file()):
            file.write_text(text)

    def _default_file(self) -> list[Path]:
        return [install.STATE / "stack.json"] if self.name == DEFAULT_NAME else []

    def _put_shops(self) -> None:
        files = []
        for source in sorted(CONFIGS.glob("*.toml")):
            text = source.read_text()
            for port, number in CONFIG_PORTS.items():
                text = text.replace(f"127.0.0.1:{number}", f"127.0.0.1:{self.ports[port]}")
            file = self.directory / "config" / source.name
            file.write_text(text)
            files.append(str(file))
            shop = tomllib.loads(text)["shop"]
            self._emulator().put_secret(f"{PREFIX}/shop/{shop}", SHOP_SECRETS)
        run(
            [str(install.require_binary("ctl")), "config", "push", *files],
            env={**self.base_env, **self.aws_env}, cwd=ROOT,
            log=self.processes.log("config-push"), seconds=CTL_SECONDS, what="storing the shop configuration",
        )

    def status(self) -> bool:
        print(f"stack {self.name} in {self.directory}")
        for name in self.processes.names():
            pid = self.processes.pid(name)
            print(f"  {name:12} {'not running' if pid is None else f'pid {pid}'}  {self.processes.log(name)}")
        up = self.running() and self.outputs_file.exists()
        if up:
            (outputs,) = json.loads(self.outputs_file.read_text()).values()
            for key, value in {**outputs.pop("Local")["Environment"], **outputs}.items():
                print(f"  {key:32} {value}")
        print(f"  {'up' if up else 'down'}")
        return up

    def environment(self) -> dict[str, str]:
        """The environment of a stack that is up, whatever ports it was given."""
        if not self.outputs_file.exists():
            raise Failure(f"the stack {self.name} is not up")
        (outputs,) = json.loads(self.outputs_file.read_text()).values()
        return outputs["Local"]["Environment"]


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
    found = {}
    for sample in samples:
        detail = json.loads(sample.read_text())["detail"]
        shop = detail["metadata"]["X-Shopify-Shop-Domain"]
        found[shop, detail["payload"]["admin_graphql_api_id"]] = None
    return list(found)


def ctl(stack: LocalStack, *arguments: str, capture: bool = False) -> str:
    command = [str(install.require_binary("ctl")), *arguments]
    done = subprocess.run(
        command, env={**os.environ, **stack.aws_env}, stdin=subprocess.DEVNULL, timeout=DEMO_SECONDS, text=True,
        stdout=subprocess.PIPE if capture else None,
    )
    if done.returncode != 0:
        raise Failure(f"ctl {arguments[0]} failed; the functions' log is {stack.processes.log('ministack')}")
    return done.stdout or ""


def heading(text: str) -> None:
    print(f"\n── {text}", flush=True)


@contextlib.contextmanager
def signals_ignored():
    """A second Ctrl-C must not stop the cleaning up."""
    caught = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in caught}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupt(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, text in {
        "up": "start a stack; deploy again into one that runs",
        "down": "end a stack and everything it started",
        "status": "say what runs and where",
        "exec": "run a command with the environment of a stack",
        "demo": "start a stack, send the samples, show what came of them, end it",
        "package": "copy the functions' binaries to target/lambda",
    }.items():
        command = verbs.add_parser(verb, help=text, description=text)
        if verb in ("up", "down", "status", "exec"):
            command.add_argument("--name", default=DEFAULT_NAME)
        if verb == "up":
            help_ports = "first of three ports; default: 4566 or GATEWAY_PORT, 4601 and 4602"
            command.add_argument("--port-base", type=int, help=help_ports)
        if verb == "exec":
            command.add_argument("command", nargs="+")
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
            stack.down()
        case "status":
            return 0 if stack.status() else 3
        case "exec":
            os.execvpe(arguments.command[0], arguments.command, {**os.environ, **stack.environment()})
        case "demo":
            demo()
        case "package":
            install.package_functions()
    return 0


if __name__ == "__main__":
    sys.exit(main())
