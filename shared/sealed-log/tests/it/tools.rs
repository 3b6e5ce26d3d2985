//! A bundle as its own page says to check it, by tools that nobody here wrote: coreutils, OpenSSL, and Go's library of the
//! checksum database where it is installed. They accept the bundle, and refuse it with one byte changed.

use crate::bundles;
use jiff::Timestamp;
use sealed_log::bundle::{self, Bundle, names};
use std::{
    path::{Path, PathBuf},
    process::Command,
};
use stub_authority::Authority;

/// A folder with an unpacked bundle, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, parts: &Bundle) -> Self {
        let path = std::env::temp_dir().join(format!("bundle-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let page = bundle::page(&["document.pdf"], true).into_bytes();
        for (name, bytes) in parts.parts(&["document.pdf"], &page) {
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
    let commands: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| {
            ["sha256sum", "grep", "sed", "tail", "openssl", "(cat"].iter().any(|it| line.starts_with(it))
        })
        .collect();
    assert_eq!(commands.len(), 8, "{commands:?}");
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
    run.args(["run", "check.go"])
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
    Some(said(Command::new("java").args(["-cp", "/usr/share/java/*", "CheckTime.java"]).current_dir(parts)))
}

fn accepted(said: &str, parts: &Bundle) -> bool {
    let sha256 = archive::sha256_hex(&parts.documents[0]);
    said.contains("Signature Verified Successfully")
        && said.matches(&sha256).count() == 1
        && said.contains("Verification: OK")
        && said.contains("Time stamp:")
}

#[tokio::test]
async fn the_commands_of_the_page_accept_a_bundle_and_refuse_a_changed_one() {
    let whole = bundles::bundle().await;
    let folder = Folder::new("whole", &whole);
    let said = shell(&folder.0);
    assert!(accepted(&said, &whole), "{said}");
    match go(&folder.0) {
        Some(said) => assert!(said.starts_with("accepted: leaf 0 of 303"), "{said}"),
        None => println!("skipped: Go and golang-golang-x-mod-dev are not installed"),
    }
    match java(&folder.0) {
        Some(said) => assert!(said.starts_with("accepted: signed by CN=Authority"), "{said}"),
        None => println!("skipped: Java and libbcpkix-java are not installed"),
    }
    let sums = Command::new("sha256sum").args(["-c", "SHA256SUMS"]).current_dir(&folder.0).status().unwrap();
    assert!(sums.success());

    type Change = fn(&mut Bundle);
    let changes: [(&str, Change); 9] = [
        ("document", |it| it.documents[0][100] ^= 1),
        ("record", |it| it.record[100] ^= 1),
        ("salt", |it| it.salt[31] ^= 1),
        ("key", |it| it.key_pem[60] ^= 1),
        ("root", |it| change(&mut it.proof, "\n303\n", "\n304\n")),
        ("time", |it| change_time(&mut it.time.as_mut().unwrap().time_stamp)),
        ("renewed time", |it| change_time(&mut it.time.as_mut().unwrap().evidence_record)),
        ("authority", |it| it.time.as_mut().unwrap().authority = Authority::new().root_pem().into_bytes()),
        ("index", |it| change(&mut it.proof, "\nindex 0\n", "\nindex 1\n")),
    ];
    for (name, apply) in changes {
        let mut changed = whole.clone();
        apply(&mut changed);
        let folder = Folder::new(name, &changed);
        let said = shell(&folder.0);
        let is_refused = match name {
            "document" | "key" | "root" | "time" | "authority" => !accepted(&said, &changed),
            "renewed time" => java(&folder.0).is_none_or(|said| said.starts_with("REFUSED")),
            // OpenSSL knows nothing of trees
            _ => go(&folder.0).is_none_or(|said| said.starts_with("REFUSED")),
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
