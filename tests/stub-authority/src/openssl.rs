//! Certificates, replies and tokens as OpenSSL makes them, in a folder of the authority.

use der::{Encode, asn1::GeneralizedTime};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use x509_tsp::{TimeStampReq, TspVersion, TstInfo};

/// What a certificate may be used for, by its extended key usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// Time-stamping, critical: the only one that RFC 3161 allows.
    TimeStamping,
    /// The same, not critical.
    NotCritical,
    /// Time-stamping and servers.
    AndServers,
    /// Servers only.
    Servers,
    /// Anything.
    Open,
}

const CA: &str = "\
[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = names
unique_subject = no
[names]
commonName = supplied
[TimeStamping]
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[NotCritical]
extendedKeyUsage = timeStamping
[AndServers]
extendedKeyUsage = critical, timeStamping, serverAuth
[Servers]
extendedKeyUsage = critical, serverAuth
[Open]
keyUsage = critical, digitalSignature
[tsa]
default_tsa = stamps
[stamps]
serial = stamp-serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.3.6.1.4.1.55555.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
";

pub struct Folder {
    path: PathBuf,
    /// It is not gone with the authority.
    stays: bool,
    numbers: AtomicU64,
    /// OpenSSL counts serial numbers in a file.
    lock: Mutex<()>,
}

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("authority-{}", uuid::Uuid::new_v4()));
        Self::made(path, false)
    }

    pub fn kept(path: &Path) -> Self {
        let _ = fs::remove_dir_all(path);
        Self::made(path.to_owned(), true)
    }

    fn made(path: PathBuf, stays: bool) -> Self {
        fs::create_dir_all(&path).expect("a folder for the authority");
        let folder = Self { path, stays, numbers: AtomicU64::new(1), lock: Mutex::default() };
        for (name, text) in [("ca.cnf", CA), ("index.txt", ""), ("serial", "01\n"), ("stamp-serial", "01\n")]
        {
            folder.write(name, text.as_bytes());
        }
        folder.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -out root.pem -days 10957 \
             -subj /CN=Root -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign",
        );
        folder.openssl(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout stamp.key -out stamp.csr \
             -subj /CN=Authority",
        );
        let now = Timestamp::now();
        let hours = |hours| SignedDuration::from_hours(hours);
        folder.certify(Usage::TimeStamping, now - hours(1), now + hours(24 * 3652));
        folder
    }

    pub fn certify(&self, usage: Usage, from: Timestamp, until: Timestamp) {
        let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let date = |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%SZ").to_string();
        let (from, until) = (date(from), date(until));
        self.openssl(&format!(
            "ca -batch -notext -config ca.cnf -extensions {usage:?} -in stamp.csr -out stamp.pem -cert root.pem \
             -keyfile root.key -startdate {from} -enddate {until}"
        ));
    }

    /// As `openssl ts` answers, at the machine's time.
    pub fn reply(&self, query: &[u8]) -> Vec<u8> {
        let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.write("query", query);
        self.openssl(
            "ts -reply -queryfile query -signer stamp.pem -inkey stamp.key -config ca.cnf -out reply",
        );
        fs::read(self.path.join("reply")).expect("OpenSSL answered")
    }

    /// The same at another time, and by a certificate that `openssl ts` would not sign with.
    pub fn sign(&self, query: &TimeStampReq, at: Timestamp) -> Vec<u8> {
        let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = Duration::from_secs(at.as_second().try_into().expect("after 1970"));
        let serial = self.numbers.fetch_add(1, Ordering::Relaxed) | 1 << 62;
        let info = TstInfo {
            version: TspVersion::V1,
            policy: "1.3.6.1.4.1.55555.1".parse().expect("an identifier"),
            message_imprint: query.message_imprint.clone(),
            serial_number: der::asn1::Int::new(&serial.to_be_bytes()).expect("a number"),
            gen_time: GeneralizedTime::from_unix_duration(seconds).expect("a time"),
            accuracy: None,
            ordering: false,
            nonce: query.nonce.clone(),
            tsa: None,
            extensions: None,
        };
        self.write("info", &info.to_der().expect("TSTInfo is written"));
        self.openssl(
            "cms -sign -binary -nodetach -cades -md sha256 -econtent_type 1.2.840.113549.1.9.16.1.4 -in info \
             -signer stamp.pem -inkey stamp.key -outform DER -out token",
        );
        let token = fs::read(self.path.join("token")).expect("OpenSSL signed");
        // TimeStampResp: granted, and the token
        let body = [&[0x30, 3, 2, 1, 0], token.as_slice()].concat();
        let length = u16::try_from(body.len()).expect("a token is small").to_be_bytes();
        [&[0x30, 0x82], length.as_slice(), &body].concat()
    }

    pub fn signed(&self) -> u64 {
        self.numbers.load(Ordering::Relaxed) - 1
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path.join(name)).expect("the authority has its files")
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path.join(name), bytes).expect("the authority's folder can be written");
    }

    fn openssl(&self, arguments: &str) {
        let run = Command::new("openssl").args(arguments.split_whitespace()).current_dir(&self.path).output();
        let run = run.expect("OpenSSL is installed");
        assert!(run.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&run.stderr));
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.stays {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
