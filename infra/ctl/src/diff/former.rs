//! The former sender's PDFs beside what this system says of the same orders. Neither looks like the other, so what is compared
//! is what they say: the amounts, and the texts that the driver data has, wherever they stand on the page.
//!
//! The files are the operator's own, but not this program's: one that is too large or cannot be read is named and costs the
//! others nothing.

use super::archived;
use crate::{
    access::Reader,
    failure::Failure,
    out::{note, say},
    rows,
    stack::Stack,
};
use archive::AccessKind;
use comms::{Document, ShopDomain, chain, one_line};
use ledger::Entry;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// No file is larger, unpacks to more, or has more pages.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
const MOST_UNPACKED: usize = 64 * 1024 * 1024;
const MOST_PAGES: usize = 500;
/// So many files of a folder are read.
const MOST_FILES: usize = 10_000;
/// Texts of driver data that a reader looks for on a page.
const TEXTS: [&str; 9] =
    ["title", "variant", "sku", "name", "company", "line1", "postal_code", "city", "vat_number"];

/// One of the former sender's PDFs beside our document, as `ctl diff --former --json` prints it. Fields are only added.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "Former")]
pub struct Row {
    pub file: String,
    /// What a person calls the order, from the file's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub communication: Option<String>,
    /// Amounts in the file that are not in our driver data.
    pub amounts_only_there: Vec<String>,
    /// Amounts in our driver data, but for 0, that are not in the file.
    pub amounts_only_here: Vec<String>,
    /// Texts in our driver data that are not in the file: names, titles, addresses.
    pub texts_only_here: Vec<String>,
    /// Why they could not be compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

pub async fn run(
    stack: &Stack,
    folder: &Path,
    shop: &ShopDomain,
    document: Document,
    reader: &Reader,
    json: bool,
) -> Result<ExitCode, Failure> {
    let files = files(folder)?;
    let (mut compared, mut different) = (0_usize, 0_usize);
    for file in &files {
        let mut row = Row { file: file.display().to_string(), name: name_in(file), ..Row::default() };
        match compare(stack, file, shop, document, reader, &mut row).await {
            Ok(()) => {
                compared = compared.saturating_add(1);
                different = different.saturating_add(usize::from(row.differs()));
            }
            Err(error) => row.error = Some(chain(error.as_ref())),
        }
        match json {
            true => rows::print(&row)?,
            false => row.lines().iter().for_each(|line| say!("{line}")),
        }
    }
    note!("{compared} of {} files compared, {different} with differences", files.len());
    Ok(if compared == files.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn compare(
    stack: &Stack,
    file: &Path,
    shop: &ShopDomain,
    document: Document,
    reader: &Reader,
    row: &mut Row,
) -> Result<(), Failure> {
    let name = row.name.as_deref().ok_or("its file name has no order's name")?;
    let page = text_of(file)?;
    let found = stack.ledger.of_name(shop, name).await?.entries;
    let of_document = |it: &&Entry| it.document == document && it.archived.is_some();
    let entry =
        found.iter().find(of_document).ok_or_else(|| format!("no {document} is archived about {name}"))?;
    reader.reads(stack, shop, &entry.communication, AccessKind::Record).await?;
    row.communication = Some(entry.communication.to_string());
    let (_, record) = archived(stack, &entry.communication).await?;
    let data = record.driver_data.data.as_ref().ok_or("its record has no driver data")?;
    row.fill(&page, &serde_json::from_str(data.get())?);
    Ok(())
}

/// The PDFs of a folder, by their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let about = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(about)? {
        let path = entry.map_err(about)?.path();
        if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("pdf")) {
            files.push(path);
        }
    }
    files.sort();
    match files.len() {
        0 => Err(format!("{}: has no PDF", folder.display()).into()),
        1..=MOST_FILES => Ok(files),
        many => {
            Err(format!("{}: has {many} PDFs; at most {MOST_FILES} are compared", folder.display()).into())
        }
    }
}

/// The order's name in a file's: what stands behind a `#`, or the longest number.
fn name_in(file: &Path) -> Option<String> {
    let stem = file.file_stem()?.to_str()?;
    if let Some((_, name)) = stem.split_once('#') {
        return Some(name.to_owned()).filter(|name| !name.is_empty());
    }
    let numbers = stem.split(|it: char| !it.is_ascii_digit()).filter(|it| !it.is_empty());
    numbers.max_by_key(|it| it.len()).map(str::to_owned)
}

/// What is written in a PDF, page after page.
fn text_of(file: &Path) -> Result<String, Failure> {
    if std::fs::metadata(file)?.len() > MOST_BYTES {
        return Err("the file is larger than 32 MB".into());
    }
    let document = lopdf::Document::load_mem(&std::fs::read(file)?)?;
    let pages: Vec<u32> = document.get_pages().into_keys().collect();
    if pages.len() > MOST_PAGES {
        return Err(format!("the file has more than {MOST_PAGES} pages").into());
    }
    let text = document.extract_text_with_limit(&pages, MOST_UNPACKED)?;
    if text.trim().is_empty() {
        return Err("the file has no text that can be read: it may be a scan".into());
    }
    Ok(text)
}

impl Row {
    fn fill(&mut self, page: &str, data: &Value) {
        let (mut amounts, mut texts) = (BTreeSet::new(), BTreeSet::new());
        collect(data, "", &mut amounts, &mut texts);
        let there = amounts_in(page);
        let only_there = there.iter().filter(|readings| !readings.iter().any(|it| amounts.contains(it)));
        let only_there: BTreeSet<Decimal> =
            only_there.filter_map(|readings| readings.first().copied()).collect();
        self.amounts_only_there = only_there.iter().map(ToString::to_string).collect();
        let there: BTreeSet<Decimal> = there.into_iter().flatten().collect();
        // nobody prints a discount of nothing
        let only_here = amounts.difference(&there).filter(|it| !it.is_zero());
        self.amounts_only_here = only_here.map(ToString::to_string).collect();
        let page = letters(page);
        let is_missing = |text: &String| !page.contains(&letters(text));
        self.texts_only_here = texts.into_iter().filter(is_missing).collect();
    }

    fn differs(&self) -> bool {
        let lists = [&self.amounts_only_there, &self.amounts_only_here, &self.texts_only_here];
        lists.iter().any(|list| !list.is_empty())
    }

    fn lines(&self) -> Vec<String> {
        let what = match (&self.error, &self.communication) {
            (Some(error), _) => format!("not compared: {error}"),
            (None, Some(communication)) if self.differs() => communication.clone(),
            (None, communication) => {
                format!("{}  no difference", communication.as_deref().unwrap_or_default())
            }
        };
        let mut lines = vec![format!("{}  {}", self.file, one_line(&what))];
        for (about, list) in [
            ("amounts only there", &self.amounts_only_there),
            ("amounts only here", &self.amounts_only_here),
            ("texts only here", &self.texts_only_here),
        ] {
            if !list.is_empty() {
                let list: Vec<_> = list.iter().map(|it| one_line(it)).collect();
                lines.push(format!("    {about}: {}", list.join(", ")));
            }
        }
        lines
    }
}

/// The amounts and the texts of driver data.
fn collect(data: &Value, name: &str, amounts: &mut BTreeSet<Decimal>, texts: &mut BTreeSet<String>) {
    match data {
        Value::Object(fields) => {
            let amount =
                fields.get("amount").and_then(Value::as_str).filter(|_| fields.contains_key("currency"));
            if let Some(amount) = amount.and_then(|it| it.parse::<Decimal>().ok()) {
                amounts.insert(amount.abs().normalize());
            }
            fields.iter().for_each(|(name, it)| collect(it, name, amounts, texts));
        }
        Value::Array(all) => all.iter().for_each(|it| collect(it, name, amounts, texts)),
        Value::String(text) if TEXTS.contains(&name) && !text.trim().is_empty() => {
            _ = texts.insert(text.clone());
        }
        _ => {}
    }
}

/// The letters and digits alone, in lower case: lines break elsewhere on another page.
fn letters(text: &str) -> String {
    text.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The amounts on a page, however its language groups digits: what ends in a separator and two digits. A space may group
/// digits or stand between two numbers, so each amount is in all the ways in which it can be read, the longest first.
fn amounts_in(text: &str) -> Vec<Vec<Decimal>> {
    let mut found = Vec::new();
    let chars: Vec<char> = text.chars().collect();
    let mut rest = chars.as_slice();
    while let Some(at) = rest.iter().position(char::is_ascii_digit) {
        rest = rest.get(at..).unwrap_or_default();
        let length = number(rest);
        let token: String = rest.iter().take(length).collect();
        rest = rest.get(length..).unwrap_or_default();
        let spaces = token.match_indices(is_space).map(|(at, it)| at.saturating_add(it.len()));
        let readings = std::iter::once(0).chain(spaces).filter_map(|at| amount(token.get(at..)?));
        let readings: Vec<_> = readings.collect();
        if !readings.is_empty() {
            found.push(readings);
        }
    }
    found
}

fn is_space(it: char) -> bool {
    matches!(it, ' ' | '\u{a0}' | '\u{202f}')
}

/// How long a number, or a date of digits and points, is that begins here.
fn number(chars: &[char]) -> usize {
    let digits_from = |at: usize| chars.iter().skip(at).take_while(|it| it.is_ascii_digit()).count();
    let (mut end, mut has_fraction) = (digits_from(0), false);
    while let Some(it) = chars.get(end) {
        let next = end.saturating_add(1);
        let digits = digits_from(next);
        let may_follow = match it {
            '.' | ',' => digits > 0,
            // these only group, and nothing is grouped behind a fraction
            '\'' | '\u{2019}' => digits == 3 && !has_fraction,
            it => is_space(*it) && digits == 3 && !has_fraction,
        };
        if !may_follow {
            break;
        }
        has_fraction |= digits != 3;
        end = next.saturating_add(digits);
    }
    end
}

/// A number with two digits behind its last separator, and three behind each one before.
fn amount(token: &str) -> Option<Decimal> {
    let (whole, fraction) = token.rsplit_once(['.', ','])?;
    let mut groups = whole.split(|it: char| !it.is_ascii_digit());
    let first = groups.next()?;
    if fraction.len() != 2 || !groups.clone().all(|group| group.len() == 3) {
        return None;
    }
    let digits = groups.fold(first.to_owned(), |digits, group| digits + group);
    format!("{digits}.{fraction}").parse::<Decimal>().ok().map(|it| it.normalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Which, published};

    #[test]
    fn rows_are_a_published_contract() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/former-row.v1.json");
        contract::published(&path, &schemars::schema_for!(Row).to_value());
    }

    #[test]
    fn an_order_is_named_by_its_file() {
        for (file, name) in [
            ("receipt-1001.pdf", Some("1001")),
            ("2026_1001234.PDF", Some("1001234")),
            ("Receipt #NW-7.pdf", Some("NW-7")),
            ("receipt.pdf", None),
            ("receipt#.pdf", None),
        ] {
            assert_eq!(name_in(Path::new(file)).as_deref(), name, "{file}");
        }
    }

    #[test]
    fn amounts_are_read_in_whatever_language() {
        let found = |text: &str| {
            let readings =
                |it: &Vec<Decimal>| it.iter().map(ToString::to_string).collect::<Vec<_>>().join("|");
            amounts_in(text).iter().map(readings).collect::<Vec<_>>().join(" ")
        };
        for (text, amounts) in [
            ("Total 1,234.56 EUR", "1234.56"),
            ("Summe 1.234,56 €", "1234.56"),
            ("1 234,56 €", "1234.56|234.56"),
            ("1\u{202f}234,56\u{a0}€", "1234.56|234.56"),
            ("CHF 1'234.50", "1234.5"),
            ("12.345.678,90", "12345678.9"),
            ("2 9,95 19,90 116,10", "9.95 19.9 116.1"),
            ("20 % 2026-11-22 22.11.2026 22.11.26 10:00 1001 3.5 1.234", ""),
            ("-4,90", "4.9"),
        ] {
            assert_eq!(found(text), amounts, "{text}");
        }
    }

    /// One amount that only they have, and a line that only we have.
    #[test]
    fn what_only_one_of_them_says_is_named() {
        let data = published(comms::Document::Receipt).customer(Which::Usual);
        let page = "Trail runner 42 / Navy TR-42-NVY 129,00 12,90 116,10 Total 999,99";
        let mut row = Row::default();
        row.fill(page, &data);
        assert_eq!(row.amounts_only_there, ["999.99"]);
        assert!(row.amounts_only_here.contains(&"107.1".to_owned()), "{row:?}");
        assert!(row.texts_only_here.contains(&"Merino base layer".to_owned()), "{row:?}");
        assert!(!row.texts_only_here.contains(&"Trail runner".to_owned()), "{row:?}");
        assert!(row.differs() && row.lines().len() == 4);
    }

    #[test]
    fn the_text_of_a_pdf_is_read_and_what_is_none_is_named() {
        let folder = std::env::temp_dir().join(format!("ctl-former-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let data = published(comms::Document::Receipt).customer(Which::Usual);
        let pdf = letter_render::make("application/pdf", std::slice::from_ref(&data), None, 0).remove(0);
        let file = folder.join("1001.pdf");
        std::fs::write(&file, pdf).unwrap();
        let mut row = Row::default();
        row.fill(&text_of(&file).unwrap(), &data);
        assert!(!row.texts_only_here.contains(&"Trail runner".to_owned()), "{row:?}");
        assert!(!row.amounts_only_here.contains(&"116.1".to_owned()), "{row:?}");
        std::fs::write(&file, "no PDF").unwrap();
        assert!(text_of(&file).is_err());
        assert_eq!(files(&folder).unwrap(), [file]);
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(files(&folder).is_err());
    }
}
