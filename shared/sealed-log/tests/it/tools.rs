//! A bundle as its own page says to check it, by tools that nobody here wrote: coreutils, OpenSSL, and Go's library of the
//! checksum database where it is installed. They accept the bundle, and refuse it with one byte changed.

use crate::bundles;
use jiff::Timestamp;
use sealed_log::bundle::{Bundle, names};
use std::{
    path::{Path, PathBuf},
    process::Command,
};
use stub_authority::Authority;

/// A folder with an unpacked bundle, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, parts: &Bundle, page: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bundle-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        for (name, bytes) in parts.parts(&["document.pdf"], page.as_bytes()) {
            std::fs::write(path.join(name), bytes).unwrap();
        }
        std::fs::write(path.join(names::SUMS), &parts.sums).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The commands of the page beside its programs: what they print.
fn shell(parts: &Path) -> String {
    let page = std::fs::read_to_string(parts.join("README.txt")).unwrap();
    let tools = ["sha256sum", "grep", "sed", "tail", "openssl", "(cat", "for it in", "done", "previous="];
    let commands: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .map(str::trim_start)
        .filter(|line| tools.iter().any(|it| line.starts_with(it)))
        .collect();
    assert_eq!(commands.len(), 19, "{commands:?}");
    let script = format!("set -eo pipefail\n{}", commands.join("\n"));
    said(Command::new("bash").args(["-c", &script]).current_dir(parts))
}

/// All that a command prints.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Writes the program of the page that begins with `first` to a file of this name.
fn write_program(parts: &Path, name: &str, first: &str) {
    let page = std::fs::read_to_string(parts.join("README.txt")).unwrap();
    let program = &page[page.find(first).unwrap()..];
    let program = &program[..program.find("\nIt must answer \"accepted\"").unwrap()];
    std::fs::write(parts.join(name), program).unwrap();
}

/// The Go program of the page, with Debian's copy of its libraries; `None` where that is not installed.
fn go(parts: &Path) -> Option<String> {
    let library = Path::new("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog");
    if !library.is_dir() || Command::new("go").arg("version").output().is_err() {
        return None;
    }
    write_program(parts, "check.go", "  package main");
    let mut run = Command::new("go");
    run.args(["run", "check.go", "record", "fact-01", "fact-02"])
        .env("GO111MODULE", "off")
        .env("GOPATH", "/usr/share/gocode")
        .env("GOFLAGS", "")
        .env("GOCACHE", std::env::temp_dir().join("go-cache"))
        .current_dir(parts);
    Some(said(&mut run))
}

/// The Java program of the page, with Debian's copy of Bouncy Castle; `None` where that is not installed.
fn java(parts: &Path) -> Option<String> {
    let library = Path::new("/usr/share/java/bcpkix.jar");
    if !library.exists() || Command::new("java").arg("-version").output().is_err() {
        return None;
    }
    write_program(parts, "CheckTime.java", "  import java.nio");
    let program = ["-cp", "/usr/share/java/*", "CheckTime.java", "record", "fact-01"];
    Some(said(Command::new("java").args(program).current_dir(parts)))
}

fn accepted(said: &str, parts: &Bundle) -> bool {
    let sha256 = archive::sha256_hex(&parts.documents[0]);
    let count = |text: &str| said.matches(text).count();
    count("Signature Verified Successfully") == 3
        && count(&sha256) == 1
        && (count("Verification: OK"), count("Time stamp:")) == (2, 2)
        && count("\"previous_sha256\":") == 2
}

#[tokio::test]
async fn the_commands_of_the_page_accept_a_bundle_and_refuse_a_changed_one() {
    let whole = bundles::bundle().await;
    let page = bundles::page(&whole);
    let folder = Folder::new("whole", &whole, &page);
    let said = shell(&folder.0);
    assert!(accepted(&said, &whole), "{said}");
    match go(&folder.0) {
        Some(said) => {
            assert!(said.starts_with("accepted: record is leaf 0 of 303"), "{said}");
            assert!(said.contains("accepted: fact-01 is leaf 301 of 303"), "{said}");
            assert!(said.contains("accepted: fact-02 is leaf 303 of 305"), "{said}");
        }
        None => println!("skipped: Go and golang-golang-x-mod-dev are not installed"),
    }
    match java(&folder.0) {
        Some(said) => {
            assert!(said.starts_with("accepted: record signed by CN=Authority"), "{said}");
            assert!(said.contains("accepted: fact-01 signed by CN=Authority"), "{said}");
        }
        None => println!("skipped: Java and libbcpkix-java are not installed"),
    }
    let sums = Command::new("sha256sum").args(["-c", "SHA256SUMS"]).current_dir(&folder.0).status().unwrap();
    assert!(sums.success());

    type Change = fn(&mut Bundle);
    let changes: [(&str, Change); 14] = [
        ("document", |it| it.documents[0][100] ^= 1),
        ("record", |it| it.record.json[100] ^= 1),
        ("salt", |it| it.record.salt[31] ^= 1),
        ("key", |it| it.key_pem[60] ^= 1),
        ("root", |it| change(&mut it.record.proof, "\n303\n", "\n304\n")),
        ("time", |it| change_time(&mut it.record.time.as_mut().unwrap().time_stamp)),
        ("renewed time", |it| change_time(&mut it.record.time.as_mut().unwrap().evidence_record)),
        ("authority", |it| it.authority = Some(Authority::new().root_pem().into_bytes())),
        ("index", |it| change(&mut it.record.proof, "\nindex 0\n", "\nindex 1\n")),
        ("first fact", |it| change(&mut it.facts[0].json, "link-1", "link-2")),
        ("last fact", |it| change(&mut it.facts[1].json, "\"page\"", "\"file\"")),
        ("chain", |it| it.facts.swap(0, 1)),
        ("salt of a fact", |it| it.facts[1].salt[0] ^= 1),
        ("root of a fact", |it| change(&mut it.facts[1].proof, "\n305\n", "\n306\n")),
    ];
    for (name, apply) in changes {
        let mut changed = whole.clone();
        apply(&mut changed);
        let folder = Folder::new(name, &changed, &page);
        let said = shell(&folder.0);
        let is_refused = match name {
            "document" | "key" | "root" | "time" | "authority" | "first fact" | "chain"
            | "root of a fact" => !accepted(&said, &changed),
            "renewed time" => java(&folder.0).is_none_or(|said| said.contains("REFUSED")),
            // OpenSSL knows nothing of trees
            _ => go(&folder.0).is_none_or(|said| said.contains("REFUSED")),
        };
        assert!(is_refused, "{name}: {said}");
    }
}

/// A year earlier.
fn change_time(token: &mut [u8]) {
    let year = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).year().to_string();
    // the one before the Z of the stamped time, not one of a certificate
    let at = token.windows(11).position(|part| part.starts_with(year.as_bytes()) && part.is_ascii()).unwrap();
    token[at + 3] -= 1;
}

fn change(proof: &mut Vec<u8>, from: &str, to: &str) {
    let text = String::from_utf8(proof.clone()).unwrap();
    assert!(text.contains(from));
    *proof = text.replacen(from, to, 1).into_bytes();
}
