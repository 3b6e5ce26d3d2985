"""The functions as they are deployed: one zip per function and architecture, the same bytes from the same sources.

A zip holds `bootstrap` alone, with a fixed time and mode. Paths of the machine that builds are kept out of the programs. Beside
the zips are their SHA-256 and what they are built from, a CycloneDX document (`sbom.py`). A zip that is larger than its budget
fails the build.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import install
from processes import Failure, run

ARCHITECTURES = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
# of a zip: what a cold start loads
SIZE_LIMIT = 6 * 1024 * 1024
# the first moment that a zip can name
EPOCH = (1980, 1, 1, 0, 0, 0)
EXECUTABLE = 0o100755 << 16
BUILD_SECONDS = 7200
TARGETS = install.ROOT / "target/packages"


def make(architecture: str) -> Path:
    """The folder of an architecture's zips, which the stack takes as its `codeRoot`."""
    built = build(architecture)
    folder = TARGETS / architecture
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {name: pack(built / name / "bootstrap", folder / f"{name}.zip") for name in install.FUNCTIONS}
    write_sums(folder)
    describe(architecture, folder / "sbom.cdx.json")
    check(sizes)
    return folder


def build(
    architecture: str, functions: Sequence[str] = install.FUNCTIONS, profile: str = "deploy"
) -> Path:
    """Compiles functions with the pinned cross compiler; the folder of their `<name>/bootstrap`."""
    commands = install.packagers()
    chosen = [argument for name in functions for argument in ("-p", name)]
    command = ["cargo", "lambda", "build", "--profile", profile, "--locked"]
    command += ["--target", ARCHITECTURES[architecture], *chosen]
    environment = {**os.environ, **reproducible(os.environ)}
    environment["PATH"] = f"{commands}:{os.environ['PATH']}"
    log = install.STATE / "package.log"
    what = f"building the functions for {architecture}"
    run(command, env=environment, cwd=install.ROOT, log=log, seconds=BUILD_SECONDS, what=what)
    return install.PACKAGES


def reproducible(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables with which two builds of the same sources, in whatever folders, give the same bytes."""
    cargo = environment.get("CARGO_HOME", str(Path.home() / ".cargo"))
    places = {str(install.ROOT): "/source", cargo: "/cargo"}
    remapped = [f"--remap-path-prefix={place}={name}" for place, name in places.items()]
    # of the last commit: the time of the build is not part of what is built
    committed = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=install.ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(remapped),
        "CARGO_INCREMENTAL": "0",
        "SOURCE_DATE_EPOCH": committed or "315532800",
    }


def pack(bootstrap: Path, target: Path) -> int:
    """Writes the zip of a function, and says how large it is."""
    unfinished = target.with_name(f".{target.name}-{os.getpid()}")
    entry = zipfile.ZipInfo("bootstrap", EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = EXECUTABLE
    # a system of its own would be part of the bytes
    entry.create_system = 3
    with zipfile.ZipFile(unfinished, "w") as archive:
        archive.writestr(entry, bootstrap.read_bytes(), compresslevel=9)
    unfinished.rename(target)
    return target.stat().st_size


def write_sums(folder: Path) -> None:
    """`sha256sum --check SHA256SUMS` compares them; Lambda shows the same hash in base64 as a version's `CodeSha256`."""
    lines = []
    for file in sorted(folder.glob("*.zip")):
        digest = hashlib.sha256(file.read_bytes())
        lines.append(f"{digest.hexdigest()}  {file.name}")
    (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n")


def describe(architecture: str, target: Path) -> None:
    """Writes what the functions are built from."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    command += ["--filter-platform", ARCHITECTURES[architecture]]
    ended = subprocess.run(command, cwd=install.ROOT, capture_output=True, check=False)
    if ended.returncode != 0:
        raise Failure(f"reading the dependencies: {ended.stderr.decode(errors='replace')[-2000:]}")
    metadata = install.STATE / f"metadata-{architecture}.json"
    metadata.write_bytes(ended.stdout)
    python = install.linters() / "python"
    script = Path(__file__).with_name("sbom.py")
    arguments = [str(python), "-B", str(script), str(metadata), str(install.ROOT / "Cargo.lock"), str(target)]
    log = install.STATE / "sbom.log"
    run([*arguments, *install.FUNCTIONS], env=os.environ, cwd=install.ROOT, log=log, seconds=120, what="the SBOM")


def check(sizes: Mapping[str, int]) -> None:
    """Fails where a zip is larger than its budget."""
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"{size / 1024 / 1024:6.2f} MB  {name}", flush=True)
    large = [name for name, size in sizes.items() if size > SIZE_LIMIT]
    if large:
        raise Failure(f"larger than {SIZE_LIMIT // 1024 // 1024} MB: {', '.join(large)}")
