"""One local stack: its ports, its folder, and the way up and down.

`up` ends with a stack that answers or with nothing left running; `down` ends everything a stack started.
Stacks of different names and ports know nothing of each other. Only loopback addresses are bound or called.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import install
import templates
from emulator import Emulator, fetch, send
from iam import Template
from processes import Failure, Processes, Service, Step, begin, require_free, run
from rights import Comparison, table

PREFIX = "shopify-exstream"
REGION = "eu-west-1"
CONFIGS = install.ROOT / "infra/local/config"
SAMPLES = install.ROOT / "infra/local/samples"
# the shop that the samples are of
SHOP = tomllib.loads((CONFIGS / "demo-shop.toml").read_text())["shop"]
DEFAULT_NAME = "default"
# the emulator refuses to import this type, and makes it anew
NOT_IMPORTED = "AWS::SecretsManager::Secret"
PEOPLE = ("Operator", "Auditor", "Support", "Records")
# the ports that the checked-in shop configurations name
CONFIG_PORTS = {"exstream": 4601, "shopify": 4602}
# what the stubs take; they know no others
CREDENTIALS = {"client_id": "local", "client_secret": "local-secret"}
SHOP_SECRETS = {"shopify": CREDENTIALS, "exstream": CREDENTIALS, "email": CREDENTIALS}
# short waits, so that a person or a test sees a retry happen; everything else is as in AWS
CONTEXT = {
    "createBus": "true",
    "createOutcomeBus": "true",
    "eventSource": "local.partner/shopify.com/",
    "destroyable": "true",
    "asyncRetries": "1",
    "writeBackWindow": "1",
    "configTtl": "1",
    "retryBase": "1",
    # they would come in between what a person or a test looks at; `local.py invoke` lets them look around
    "pauseSchedules": "true",
    **{
        f"timeout{name.title().replace('-', '')}": "30"
        for name in install.FUNCTIONS
        if name not in ("intake", "write-back")
    },
    "timeoutStatementRun": "60",
    "timeoutWriteBack": "10",
    "lockDays": "1",
    # two cores: a run must leave room for what else is sent
    "maxConcurrencyAccountStatements": "4",
}

START_SECONDS = 30
STEP_SECONDS = 180
CTL_SECONDS = 60


def known() -> list[str]:
    """The names of all stacks that were ever started here."""
    return sorted(pids.parent.name for pids in install.STATE.glob("*/pids"))


class LocalStack:
    def __init__(
        self,
        name: str,
        port_base: int | None,
        record: bool = False,
        context: Mapping[str, str] | None = None,
    ) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
            raise Failure(f"`{name}` is no name for a stack: lower-case letters, digits and hyphens")
        self.name = name
        self.directory = install.STATE / name
        self.outputs_file = self.directory / "stack.json"
        self.processes = Processes(self.directory)
        # every call of the functions, where they go through the recorder
        self.calls_file = self.directory / "calls.jsonl"
        self.record = record
        # beside and before that of every local stack
        self.context = context or {}
        self.ports = self._choose_ports(port_base)
        # beside the recorder, whether there is one or not
        self.ports["oidc"] = self.ports["shopify"] + 2
        self.ports["authority"] = self.ports["shopify"] + 3
        # of the time-stamping authority, as new as the stack
        self.authority = self.directory / "authority"
        # twelve digits are an account of their own, in the emulator as in the CDK command line's cache
        self.account = f"{self.ports['aws']:012d}"

    def _choose_ports(self, base: int | None) -> dict[str, int]:
        wanted = None if base is None else {"aws": base, "exstream": base + 1, "shopify": base + 2}
        if self.running():
            outputs = self.outputs()
            urls = {"aws": "AwsEndpointUrl", "exstream": "ExstreamUrl", "shopify": "ShopifyUrl"}
            self.record = "RecorderUrl" in outputs
            if self.record:
                urls["recorder"] = "RecorderUrl"
                wanted = wanted and {**wanted, "recorder": wanted["shopify"] + 1}
            recorded = {port: int(outputs[key].rpartition(":")[2]) for port, key in urls.items()}
            if wanted not in (None, recorded):
                raise Failure(f"the stack {self.name} runs on other ports: end it first")
            return recorded
        ports = wanted or {"aws": int(os.environ.get("GATEWAY_PORT", "4566")), **CONFIG_PORTS}
        return {**ports, "recorder": ports["shopify"] + 1} if self.record else ports

    def url(self, port: str) -> str:
        return f"http://127.0.0.1:{self.ports[port]}"

    @property
    def functions_url(self) -> str:
        """Where the functions find AWS."""
        return self.url("recorder" if self.record else "aws")

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
    def emulator_service(self) -> Service:
        env = {
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
        return Service("ministack", [str(install.emulator())], env, self.url("aws") + "/_ministack/ready")

    @property
    def services(self) -> list[Service]:
        stubs = [
            str(install.require_binary("local-stubs")),
            "--exstream",
            f"127.0.0.1:{self.ports['exstream']}",
            "--shopify",
            f"127.0.0.1:{self.ports['shopify']}",
            "--oidc",
            f"127.0.0.1:{self.ports['oidc']}",
            "--authority",
            f"127.0.0.1:{self.ports['authority']}",
            "--authority-folder",
            str(self.authority),
            "--schema",
            str(install.ADMIN_SCHEMA),
            "--communications",
            str(install.ROOT / "infra/local/communications.json"),
        ]
        if self.record:
            recorder = ["--recorder", f"127.0.0.1:{self.ports['recorder']}", "--aws", self.url("aws")]
            stubs += [*recorder, "--calls", str(self.calls_file)]
        return [
            self.emulator_service,
            # Exstream is the last of the two to listen
            Service("local-stubs", stubs, self.base_env, self.url("exstream") + "/__stub/health"),
        ]

    def running(self) -> bool:
        """Up, with nothing missing."""
        names = self.processes.names()
        return self.outputs_file.exists() and bool(names) and all(map(self.processes.pid, names))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with install.exclusive(self.directory / "lock", 5, f"the stack {self.name}"):
            yield

    def up(self, *, as_deployed: bool = False) -> None:
        """`as_deployed`: each function is a program of its own, as on AWS; else one program holds all."""
        install.node_packages()
        install.emulator()
        code = install.package_functions() if as_deployed else install.local_functions()
        with self._locked():
            begun = time.monotonic()
            if self.running():
                self._deploy(self._begin_synthesis(code))
            else:
                try:
                    self._start(code)
                except BaseException:
                    with signals_ignored():
                        self._stop()
                    raise
            print(
                f"stack {self.name} is up after {time.monotonic() - begun:.1f} s: {self.outputs_file}",
                flush=True,
            )
            print(f"the console: {self.console_url()}", flush=True)

    def down(self) -> None:
        """Ends the stack, if there is one."""
        if self.directory.exists():
            with self._locked(), signals_ignored():
                self._stop()

    def _start(self, code: Path) -> None:
        self._stop()
        require_free(self.ports)
        self.calls_file.unlink(missing_ok=True)
        for folder in ("home", "tmp", "config"):
            (self.directory / folder).mkdir(parents=True, exist_ok=True)
        services = self.services
        for service in services:
            self.processes.start(service)
        # the last of them: the stack trusts a certificate that the stubs make
        self.processes.wait_until_ready(services[-1], START_SECONDS)
        synthesis = self._begin_synthesis(code)
        try:
            for service in services:
                self.processes.wait_until_ready(service, START_SECONDS)
            self._cdk("bootstrap", f"aws://{self.account}/{REGION}")
        except BaseException:
            synthesis.abandon()
            raise
        self._deploy(synthesis)
        self._register_samples()

    def _stop(self) -> None:
        self.processes.stop_all()
        # the recording stays, as the logs do
        for path in (self.outputs_file, self.directory / "env", *self._default_file()):
            path.unlink(missing_ok=True)
        for folder in ("tmp", "cdk.out", "home", "authority"):
            shutil.rmtree(self.directory / folder, ignore_errors=True)

    def _begin_synthesis(self, code: Path) -> Step:
        context = {
            **CONTEXT,
            "prefix": PREFIX,
            "codeRoot": str(code),
            "endpointUrl": self.functions_url,
            "console": "true",
            # a stand-in, which asks for a name and no password
            "consoleIssuer": self.url("oidc"),
            "consoleClientId": "console",
            "timeStampUrl": f"{self.url('authority')}/time-stamp",
            "timeStampRoots": str(self.authority / "root.pem"),
            "architecture": install.architecture(),
            **{f"trust{person}": f"arn:aws:iam::{self.account}:user/local" for person in PEOPLE},
            **self.context,
        }
        given = [argument for key, value in context.items() for argument in ("--context", f"{key}={value}")]
        command = self._cdk_command("synth", "--quiet", "--output", str(self.directory / "cdk.out"), *given)
        # CloudFormation's schema rules take seconds and are asked by the CDK tests
        env = {**self.base_env, "CDK_VALIDATION": "false"}
        log = self.processes.log("cdk-synth")
        return begin(command, env=env, cwd=install.CDK, log=log, what="synthesizing the stack")

    def destroy(self) -> None:
        """Deletes both stacks, as a person would in AWS; what they retain stays."""
        self._cdk("destroy", "--all", "--app", str(self.directory / "cdk.out"), "--force")

    def adopt(self, outputs: Mapping[str, str], app: Path) -> None:
        """Puts what deleted stacks retained, by the outputs that they had, under a stack of the data that `app` makes."""
        data, _ = templates.stacks(PREFIX)
        template = app / f"{data}.template.json"
        kept = self.directory / "kept.json"
        kept.write_text(json.dumps({PREFIX: dict(outputs)}))
        log = self.processes.log("adopt")
        command = ["node", "--import", "tsx", "bin/adopt.ts", str(template), str(kept)]
        run(command, env=self.base_env, cwd=install.CDK, log=log, seconds=STEP_SECONDS, what="adopt")
        found = json.loads(log.read_text())
        resources = json.loads(template.read_text())["Resources"]
        # those it makes anew under the names they had
        taken = {key: value for key, value in found.items() if resources[key]["Type"] != NOT_IMPORTED}
        mapping = self.directory / "adopt.json"
        mapping.write_text(json.dumps(taken))
        self._cdk("import", data, "--app", str(app), "--resource-mapping", str(mapping), "--force")

    def _deploy(self, synthesis: Step) -> None:
        synthesis.finish(STEP_SECONDS)
        self.deploy_again()

    def deploy_again(self) -> None:
        """What was synthesized before, into whatever there is."""
        outputs_file = self.directory / "outputs.json"
        self._cdk(
            "deploy",
            "--all",
            "--app",
            str(self.directory / "cdk.out"),
            "--outputs-file",
            str(outputs_file),
            "--require-approval",
            "never",
            "--method",
            "direct",
        )
        outputs = templates.outputs(outputs_file)
        outputs_file.unlink()
        self._add_what_the_emulator_left_out(outputs)
        self._write_stack_file(outputs)
        self._put_shops()

    def _cdk(self, verb: str, *arguments: str) -> None:
        run(
            self._cdk_command(verb, *arguments),
            env={**self.base_env, **self.aws_env},
            cwd=self.directory,
            log=self.processes.log(f"cdk-{verb}"),
            seconds=STEP_SECONDS,
            what=f"cdk {verb}",
        )

    def _cdk_command(self, verb: str, *arguments: str) -> list[str]:
        cdk = install.CDK / "node_modules/aws-cdk/bin/cdk"
        return ["node", str(cdk), verb, "--ci", "--no-notices", "--no-version-reporting", *arguments]

    def _register_samples(self) -> None:
        """The stub knows nothing of its own accord: an event's order is taken from the event."""
        for sample in sorted(SAMPLES.glob("*.json")):
            self.tell_shopify("orders", sample.read_bytes())
        resources = [json.loads(sample.read_text()) for sample in sorted(SAMPLES.glob("*/shopify/*.json"))]
        for event in sorted(SAMPLES.glob("*/*.json")):
            resources += json.loads(event.read_text()).get("shopify", [])
        for resource in resources:
            # a segment is a document that has members
            segment = resource["id"].startswith("gid://shopify/Segment/")
            self.tell_shopify("segments" if segment else "documents", json.dumps(resource).encode())

    def tell_shopify(self, what: str, body: bytes) -> None:
        """A control call of the stub, about the shop of the samples."""
        url = f"{self.url('shopify')}/__stub/{what}"
        headers = {"Content-Type": "application/json", "X-Stub-Shop": SHOP}
        send("PUT", url, body, headers)

    def ask_stub(self, stub: str, what: str) -> dict[str, Any]:
        """What a stub of this stack, `exstream` or `shopify`, says of the shop of the samples."""
        return fetch(f"{self.url(stub)}/__stub/{what}", {"X-Stub-Shop": SHOP})

    def invoke(self, function: str, payload: Mapping[str, Any] | None = None) -> str:
        return self.emulator().invoke(f"{PREFIX}-{function}:live", payload)

    def emulator(self) -> Emulator:
        return Emulator(self.url("aws"), REGION, self.account)

    def _add_what_the_emulator_left_out(self, outputs: dict[str, str]) -> None:
        for resource in templates.joined(self.directory / "cdk.out", PREFIX)["Resources"].values():
            lock = resource.get("Properties", {}).get("ObjectLockConfiguration")
            if lock is not None:
                default = lock["Rule"]["DefaultRetention"]
                self.emulator().lock_objects(outputs["ArchiveBucket"], default["Mode"], default["Days"])

    def documents_url(self, outputs: dict[str, str] | None = None) -> str:
        return self._api_url("DocumentsUrl", outputs)

    def console_url(self, outputs: dict[str, str] | None = None) -> str:
        return self._api_url("ConsoleUrl", outputs)

    def _api_url(self, name: str, outputs: dict[str, str] | None = None) -> str:
        """The emulator knows an API by the host that is asked for."""
        address = (outputs or self.outputs())[name]
        api = address.split("://")[1].partition(".")[0]
        return f"http://{api}.execute-api.localhost:{self.ports['aws']}"

    def _write_stack_file(self, outputs: dict[str, str]) -> None:
        local = {
            "LocalName": self.name,
            "DocumentsUrl": self.documents_url(outputs),
            "ConsoleUrl": self.console_url(outputs),
            "Region": REGION,
            "AwsEndpointUrl": self.url("aws"),
            "ExstreamUrl": self.url("exstream"),
            "ShopifyUrl": self.url("shopify"),
            "TimeStampUrl": f"{self.url('authority')}/time-stamp",
            "TimeStampRoots": str(self.authority / "root.pem"),
            **({"RecorderUrl": self.url("recorder")} if self.record else {}),
            "FunctionLog": str(self.processes.log("ministack")),
            "StubLog": str(self.processes.log("local-stubs")),
        }
        text = json.dumps({PREFIX: {**outputs, **local}}, indent=2) + "\n"
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
            self.emulator().put_secret(f"{PREFIX}/shop/{shop}", SHOP_SECRETS)
        run(
            [str(install.require_binary("ctl")), "config", "push", "--actor", "local", *files],
            env={**self.base_env, **self.aws_env, "AWS_ENDPOINT_URL": self.functions_url},
            cwd=install.ROOT,
            log=self.processes.log("config-push"),
            seconds=CTL_SECONDS,
            what="storing the shop configuration",
        )

    def rights(self) -> bool:
        """Whether the roles allow what was recorded and nothing else; says what they do not."""
        if not self.running() or not self.record:
            raise Failure(f"the stack {self.name} does not run with --record")
        whole = templates.joined(self.directory / "cdk.out", PREFIX)
        names = {k: v for name in templates.stacks(PREFIX) for k, v in self.emulator().names(name).items()}
        template = Template(whole, names, REGION, self.account)
        comparison = Comparison(template)
        count = comparison.read(self.calls_file)
        findings = comparison.findings()
        requests = sum(len(role.requests) for role in comparison.roles.values())
        print(f"{count} calls recorded, {requests} different requests of {len(comparison.roles)} roles")
        if findings:
            print(table(findings))
        failed = len({it.role for it in findings})
        # counted by whoever sums up the test runs
        passed = max(0, len(comparison.roles) - failed)
        print(f"checks of roles: {passed} passed, {failed} failed, 0 skipped", flush=True)
        return not findings

    def status(self) -> bool:
        print(f"stack {self.name} in {self.directory}")
        for name in self.processes.names():
            pid = self.processes.pid(name)
            print(f"  {name:12} {'not running' if pid is None else f'pid {pid}'}  {self.processes.log(name)}")
        up = self.running()
        if up:
            for key, value in {**self.aws_env, **self.outputs()}.items():
                print(f"  {key:32} {value}")
        print(f"  {'up' if up else 'down'}")
        return up

    def environment(self) -> dict[str, str]:
        """The caller's environment, with the AWS settings of this stack in place of the caller's."""
        if not self.running():
            raise Failure(f"the stack {self.name} is not up")
        caller = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        return {**caller, **self.aws_env}

    def outputs(self) -> dict[str, str]:
        (outputs,) = json.loads(self.outputs_file.read_text()).values()
        return {str(key): str(value) for key, value in outputs.items()}


@contextlib.contextmanager
def signals_ignored() -> Iterator[None]:
    """A second Ctrl-C must not stop the cleaning up."""
    caught = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in caught}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
