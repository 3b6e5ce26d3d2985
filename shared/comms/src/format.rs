//! The formats of documents: which media types, file name extension and first bytes each has, and which channels carry
//! it. The only list of them; whoever has to know a format asks here.

use std::fmt;

/// A format that Exstream composes and this system carries.
///
/// ```
/// use comms::Format;
///
/// let afp = Format::of("application/afp").unwrap();
/// assert_eq!((afp.media_type(), afp.extension()), ("application/vnd.afpc.modca", "afp"));
/// assert!(afp.is_printable() && !afp.is_mailable());
/// assert_eq!(Format::of("application/x-unknown"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A page description that everybody can read.
    Pdf,
    /// A web page or the body of an e-mail.
    Html,
    /// UTF-8 without markup, such as the text of a short message.
    Text,
    /// Structured data.
    Json,
    /// Structured data.
    Xml,
    /// Advanced Function Presentation: what high-volume printers and archives take.
    Afp,
    /// Hewlett-Packard's printer language.
    Pcl,
    /// Adobe's printer language.
    PostScript,
    /// Pages as pictures, for fax and archives.
    Tiff,
    /// A document that Exstream's editor opens.
    Empower,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 10] = [
        Self::Pdf,
        Self::Html,
        Self::Text,
        Self::Json,
        Self::Xml,
        Self::Afp,
        Self::Pcl,
        Self::PostScript,
        Self::Tiff,
        Self::Empower,
    ];

    /// The media types it is known by, the registered one first. Sources: IANA's registry; for AFP and PCL also the
    /// names that print software uses without registration.
    const fn media_types(self) -> &'static [&'static str] {
        match self {
            Self::Pdf => &["application/pdf"],
            Self::Html => &["text/html"],
            Self::Text => &["text/plain"],
            Self::Json => &["application/json"],
            Self::Xml => &["application/xml", "text/xml"],
            Self::Afp => &[
                "application/vnd.afpc.modca",
                "application/vnd.ibm.modcap",
                "application/afp",
                "application/x-afp",
            ],
            Self::Pcl => &["application/vnd.hp-pcl", "application/pcl", "application/x-pcl"],
            Self::PostScript => &["application/postscript"],
            Self::Tiff => &["image/tiff"],
            Self::Empower => &["application/vnd.exstream-empower"],
        }
    }

    /// The format of a media type, whatever its case and parameters. `None` for one that this system does not know.
    pub fn of(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        Self::ALL
            .into_iter()
            .find(|it| it.media_types().iter().any(|known| known.eq_ignore_ascii_case(essence)))
    }

    /// The format of files with this extension, given without the dot, whatever its case.
    pub fn of_extension(extension: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|it| it.extensions().iter().any(|known| known.eq_ignore_ascii_case(extension)))
    }

    /// The registered media type, in lower case.
    pub const fn media_type(self) -> &'static str {
        self.media_types()[0]
    }

    /// The extension of its files, without the dot.
    pub const fn extension(self) -> &'static str {
        self.extensions()[0]
    }

    /// The extensions that its files have elsewhere, ours first.
    const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Pdf => &["pdf"],
            Self::Html => &["html", "htm"],
            Self::Text => &["txt"],
            Self::Json => &["json"],
            Self::Xml => &["xml"],
            Self::Afp => &["afp"],
            Self::Pcl => &["pcl"],
            Self::PostScript => &["ps"],
            Self::Tiff => &["tif", "tiff"],
            Self::Empower => &["empower", "mpw"],
        }
    }

    /// What its files begin with; empty where that does not tell.
    const fn beginnings(self) -> &'static [&'static [u8]] {
        match self {
            Self::Pdf => &[b"%PDF-"],
            // the introducer of a structured field, in hexadecimal 5A
            Self::Afp => &[b"\x5a"],
            // the escape of a printer reset or of a change of language
            Self::Pcl => &[b"\x1bE", b"\x1b%"],
            Self::PostScript => &[b"%!", b"\x04%!"],
            Self::Tiff => &[b"II*\0", b"MM\0*"],
            Self::Html | Self::Text | Self::Json | Self::Xml | Self::Empower => &[],
        }
    }

    /// Whether `bytes` can be a file of this format, from its first bytes. An empty file is of no format.
    pub fn fits(self, bytes: &[u8]) -> bool {
        let beginnings = self.beginnings();
        !bytes.trim_ascii().is_empty()
            && (beginnings.is_empty() || beginnings.iter().any(|beginning| bytes.starts_with(beginning)))
    }

    /// Whether the print spool takes it.
    pub const fn is_printable(self) -> bool {
        match self {
            Self::Pdf | Self::Html | Self::Afp | Self::Pcl | Self::PostScript | Self::Tiff => true,
            Self::Text | Self::Json | Self::Xml | Self::Empower => false,
        }
    }

    /// Whether browsers show it, so that a link can lead to it.
    pub const fn is_shown_by_browsers(self) -> bool {
        matches!(self, Self::Pdf | Self::Html | Self::Text)
    }

    /// Whether an e-mail carries it: as its body, or as an attachment.
    pub const fn is_mailable(self) -> bool {
        matches!(self, Self::Pdf | Self::Html)
    }
}

/// The registered media type.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.media_type())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_formats_share_a_media_type_or_an_extension() {
        let types = Format::ALL.iter().flat_map(|it| it.media_types());
        assert_eq!(types.clone().collect::<HashSet<_>>().len(), types.count());
        let extensions = Format::ALL.iter().flat_map(|it| it.extensions());
        assert_eq!(extensions.clone().collect::<HashSet<_>>().len(), extensions.count());
        assert_eq!(Format::of_extension("HTM"), Some(Format::Html));
        for format in Format::ALL {
            assert_eq!(Format::of(format.media_type()), Some(format));
            assert_eq!(Format::of_extension(format.extension()), Some(format));
            assert!(format.media_types().iter().all(|it| *it == it.to_ascii_lowercase()), "{format}");
        }
    }

    #[test]
    fn case_and_parameters_do_not_matter() {
        assert_eq!(Format::of("Text/HTML; charset=utf-8"), Some(Format::Html));
        assert_eq!(Format::of("application/vnd.hp-PCL"), Some(Format::Pcl));
        for unknown in ["", "pdf", "application/pdfx", "image/png", "*/*"] {
            assert_eq!(Format::of(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_file_begins_as_its_format_does() {
        let files: [(Format, &[u8]); 10] = [
            (Format::Pdf, b"%PDF-1.7"),
            (Format::Afp, b"\x5a\x00\x10\xd3\xa8\xa8\x00\x00\x00"),
            (Format::Pcl, b"\x1bE\x1b&l0O"),
            (Format::Pcl, b"\x1b%-12345X@PJL"),
            (Format::PostScript, b"%!PS-Adobe-3.0"),
            (Format::PostScript, b"\x04%!PS"),
            (Format::Tiff, b"II*\0\x08\0\0\0"),
            (Format::Tiff, b"MM\0*\0\0\0\x08"),
            (Format::Html, b"<html>"),
            (Format::Text, b"Hello"),
        ];
        for (format, file) in files {
            assert!(format.fits(file), "{format}");
        }
        for format in Format::ALL {
            assert!(!format.fits(b""), "{format}");
            assert!(!format.fits(b" \r\n"), "{format}");
            // an error page in the place of a document
            let binary = !format.beginnings().is_empty();
            assert_eq!(format.fits(b"<html>error</html>"), !binary, "{format}");
        }
    }
}
