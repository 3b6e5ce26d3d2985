//! Object keys. This is the only place that builds one, or reads what one says.

use comms::{CommunicationId, Document, Format, ShopDomain};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// Where what was only rehearsed is.
const TEST: &str = "test/";

/// What the names of further outputs begin with.
const FURTHER: &str = "document-";

/// What the evidence record is called in its communication's folder.
pub(crate) const RECORD: &str = "record.json";

/// Whether an object was only rehearsed: a test order, a dry run.
pub fn is_test(key: &str) -> bool {
    key.starts_with(TEST)
}

/// Where the objects of one communication are:
/// `<shop>/<yyyy>/<mm>/<dd>/<document>/<communication>/`, below `test/` for test orders and dry runs.
///
/// The date is that of the first claim, in UTC: it is in the ledger, so that every attempt, on whatever day,
/// names the same place. All parts are closed alphabets, so a key holds no text of a customer's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    prefix: String,
}

impl Location {
    /// `test`: of a test order or a dry run, which lies apart.
    pub fn new(
        shop: &ShopDomain,
        first_claimed: Timestamp,
        document: Document,
        communication: &CommunicationId,
        test: bool,
    ) -> Self {
        let date = first_claimed.to_zoned(TimeZone::UTC).date();
        let root = if test { TEST } else { "" };
        let (year, month, day) = (date.year(), date.month(), date.day());
        Self { prefix: format!("{root}{shop}/{year:04}/{month:02}/{day:02}/{document}/{communication}/") }
    }

    /// What all keys of the communication begin with; ends with `/`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The key of the document: of its primary output.
    pub fn document(&self, extension: &str) -> String {
        format!("{}document.{extension}", self.prefix)
    }

    /// The key of a further output: named by a hash of its bytes and of what is known of them, so that two attempts that
    /// composed differently never meet under one key.
    pub(crate) fn further(&self, name: &str) -> String {
        format!("{}{FURTHER}{name}", self.prefix)
    }

    /// Whether a primary output can have this `key`.
    pub(crate) fn is_primary(&self, key: &str) -> bool {
        key.strip_prefix(&self.prefix).is_some_and(|name| name.starts_with("document."))
    }

    /// The evidence record's key.
    pub fn record(&self) -> String {
        record_key(&self.prefix)
    }
}

/// The folder of an object, with the slash at its end.
pub fn folder_of(key: &str) -> &str {
    key.rfind('/').and_then(|at| key.get(..=at)).unwrap_or_default()
}

/// The key of the evidence record in the folder of the object `key`.
pub fn record_key(key: &str) -> String {
    format!("{}{RECORD}", folder_of(key))
}

/// Day, document and communication of a key: `<shop>/<yyyy>/<mm>/<dd>/<document>/<communication>/…`. `None` for what is of no
/// communication, and for tests.
pub fn place(key: &str) -> Option<(Date, Document, CommunicationId)> {
    let mut parts = key.split('/').skip(1);
    let mut number = || parts.next()?.parse::<i16>().ok();
    let (year, month, day) = (number()?, number()?, number()?);
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    Some((date, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The file extension of a media type; `bin` for one this system does not expect.
pub(crate) fn extension(media_type: &str) -> &'static str {
    Format::of(media_type).map_or("bin", Format::extension)
}

/// The media type of an archived document, by the extension of its key.
pub fn media_type(key: &str) -> &'static str {
    let format = key.rsplit_once('.').and_then(|(_, extension)| Format::of_extension(extension));
    format.map_or("application/octet-stream", Format::media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_documented_layout() {
        let shop = "acme.myshopify.com".parse().unwrap();
        let id = "c4809f9b199959867b344883a5f958d0".parse().unwrap();
        let at = "2026-01-02T23:30:00-02:00".parse().unwrap();
        let location = Location::new(&shop, at, Document::Receipt, &id, false);
        assert_eq!(
            location.document("pdf"),
            "acme.myshopify.com/2026/01/03/receipt/c4809f9b199959867b344883a5f958d0/document.pdf"
        );
        let test = Location::new(&shop, at, Document::Receipt, &id, true);
        assert_eq!(
            test.record(),
            "test/acme.myshopify.com/2026/01/03/receipt/c4809f9b199959867b344883a5f958d0/record.json"
        );
        let said = ("2026-01-03".parse().unwrap(), Document::Receipt, id);
        assert_eq!(place(&location.document("pdf")), Some(said));
        assert_eq!(place(&test.record()), None);
    }

    #[test]
    fn a_key_says_when_what_and_which() {
        let id = "c4809f9b199959867b344883a5f958d0";
        for name in ["record.json", "document.pdf"] {
            let (day, document, found) =
                place(&format!("acme.myshopify.com/2026/11/27/receipt/{id}/{name}")).unwrap();
            assert_eq!(
                (day.to_string().as_str(), document, found.as_str()),
                ("2026-11-27", Document::Receipt, id)
            );
        }
        for other in [
            "log/acme.myshopify.com/checkpoint",
            "acme.myshopify.com/document.pdf",
            "acme.myshopify.com/2026/13/27/receipt/x/record.json",
            "",
        ] {
            assert!(place(other).is_none(), "{other}");
        }
    }
}
