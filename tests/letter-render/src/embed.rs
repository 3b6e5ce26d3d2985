//! Fonts in the PDF file: the glyphs that a document uses, and which text they stand for.

use crate::{
    fonts::{self, Loaded},
    lines::Glyph,
    style::Font,
    text::Face,
};
use flate2::{Compression, write::ZlibEncoder};
use pdf_writer::{
    Content, Filter, Finish, Name, Pdf, Rect, Ref, Str,
    types::{CidFontType, FontFlags, SystemInfo, TextRenderingMode, UnicodeCmap},
};
use std::{
    collections::{BTreeMap, HashMap},
    io::Write as _,
};
use subsetter::GlyphRemapper;

const SYSTEM: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// The embedded fonts of one file, by their place in the list of all fonts.
#[derive(Default)]
pub(crate) struct Embedded(BTreeMap<usize, Used>);

#[derive(Default)]
struct Used {
    glyphs: GlyphRemapper,
    /// The codes on the pages, from 1: a glyph (by its number in the file's font) and what it stands for. One
    /// glyph may stand for several letters, as the same stroke does below different dots.
    codes: Vec<(u16, String)>,
    known: HashMap<(u16, String), u16>,
}

impl Used {
    /// The code of a glyph on the page.
    fn code(&mut self, glyph: &Glyph, font: &Loaded) -> u16 {
        let id = self.glyphs.remap(glyph.id);
        if font.has_charstrings() {
            // such a font's codes are its glyphs
            self.known.entry((id, String::new())).or_insert_with(|| {
                self.codes.push((id, glyph.text.clone()));
                id
            });
            return id;
        }
        let next = self.codes.len() as u16 + 1;
        *self.known.entry((id, glyph.text.clone())).or_insert_with(|| {
            self.codes.push((id, glyph.text.clone()));
            next
        })
    }
}

impl Embedded {
    /// Draws glyphs from `at` on; answers where the next piece begins.
    pub fn show(
        &mut self,
        page: &mut Content,
        index: usize,
        glyphs: &[Glyph],
        at: (f32, f32),
        font: Font,
    ) -> f32 {
        let Some(loaded) = fonts::get(index) else { return at.0 };
        let used = self.0.entry(index).or_default();
        let name = format!("N{index}");
        // an outline would fill the inside of the small pictures
        let bold = font.face == Face::Bold && index != fonts::EMOJI;
        if bold {
            // the packages have one weight: an outline makes it bold
            page.set_text_rendering_mode(TextRenderingMode::FillStroke).set_line_width(font.size * 0.03);
        }
        let mut x = at.0;
        let mut rest = glyphs;
        while let Some(first) = rest.first() {
            let own = |glyph: &Glyph| (glyph.advance - loaded.em(advance(loaded, glyph.id))).abs() < 0.001;
            let placed = |glyph: &Glyph| glyph.x != 0.0 || glyph.y != 0.0;
            // one string as long as every glyph is where the font's own widths put it
            let mut count = 1;
            while count < rest.len() && own(&rest[count - 1]) && !placed(first) && !placed(&rest[count]) {
                count += 1;
            }
            let (now, later) = rest.split_at(count);
            let mut bytes = Vec::with_capacity(count * 2);
            for glyph in now {
                bytes.extend(used.code(glyph, loaded).to_be_bytes());
            }
            page.begin_text().set_font(Name(name.as_bytes()), font.size);
            page.next_line(x + first.x * font.size, at.1 + first.y * font.size).show(Str(&bytes)).end_text();
            x += now.iter().map(|glyph| glyph.advance * font.size).sum::<f32>();
            rest = later;
        }
        if bold {
            page.set_text_rendering_mode(TextRenderingMode::Fill);
        }
        x
    }

    /// Writes every font; answers their names on the pages.
    pub fn write(&self, pdf: &mut Pdf, next: &mut Ref) -> Vec<(String, Ref)> {
        let fonts = self.0.iter().filter_map(|(index, used)| Some((index, used, fonts::get(*index)?)));
        fonts
            .filter_map(|(index, used, font)| Some((format!("N{index}"), used.write(pdf, next, font)?)))
            .collect()
    }
}

impl Used {
    fn write(&self, pdf: &mut Pdf, next: &mut Ref, font: &Loaded) -> Option<Ref> {
        let subset = subsetter::subset(font.data, 0, &self.glyphs).ok()?;
        let (whole, cid, descriptor, unicode, file, map) =
            (next.bump(), next.bump(), next.bump(), next.bump(), next.bump(), next.bump());
        let (kind, data) = match table(&subset, b"CFF ") {
            Some(outlines) => (CidFontType::Type0, outlines.to_vec()),
            None => (CidFontType::Type2, subset),
        };
        let name = format!("NOTOAA+Noto{}", font.index);
        let name = Name(name.as_bytes());
        pdf.type0_font(whole)
            .base_font(name)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid)
            .to_unicode(unicode);
        let mut descendant = pdf.cid_font(cid);
        descendant.subtype(kind).base_font(name).system_info(SYSTEM).font_descriptor(descriptor);
        descendant.default_width(0.0);
        let wide = |id: u16| font.em(advance(font, id)) * 1000.0;
        let ids: Vec<u16> = self.glyphs.remapped_gids().collect();
        let codes: Vec<(u16, &(u16, String))> = match kind {
            CidFontType::Type0 => {
                descendant.widths().consecutive(0, ids.iter().copied().map(wide));
                self.codes.iter().map(|code| (code.0, code)).collect()
            }
            CidFontType::Type2 => {
                let widths = self.codes.iter().map(|(id, _)| wide(ids[usize::from(*id)]));
                descendant.widths().consecutive(1, widths);
                descendant.cid_to_gid_map_stream(map);
                (1..).zip(&self.codes).collect()
            }
        };
        descendant.finish();
        if matches!(kind, CidFontType::Type2) {
            let glyphs = [0_u16].into_iter().chain(self.codes.iter().map(|(id, _)| *id));
            let glyphs: Vec<u8> = glyphs.flat_map(u16::to_be_bytes).collect();
            pdf.stream(map, &compress(&glyphs)).filter(Filter::FlateDecode);
        }
        let em = |units: i16| font.em(units.into()) * 1000.0;
        let bounds = font.face.global_bounding_box();
        let bounds = Rect::new(em(bounds.x_min), em(bounds.y_min), em(bounds.x_max), em(bounds.y_max));
        let mut described = pdf.font_descriptor(descriptor);
        described.name(name).flags(FontFlags::SYMBOLIC).bbox(bounds).italic_angle(0.0).stem_v(90.0);
        described.ascent(em(font.face.ascender())).descent(em(font.face.descender()));
        described.cap_height(em(font.face.capital_height().unwrap_or_default()));
        match kind {
            CidFontType::Type0 => described.font_file3(file),
            CidFontType::Type2 => described.font_file2(file),
        };
        described.finish();
        let mut cmap = UnicodeCmap::new(Name(b"Custom"), SYSTEM);
        for (code, (_, text)) in codes.into_iter().filter(|(_, (_, text))| !text.is_empty()) {
            cmap.pair_with_multiple(code, text.chars());
        }
        let (cmap, data) = (compress(&cmap.finish()), compress(&data));
        pdf.stream(unicode, &cmap).filter(Filter::FlateDecode);
        let mut stream = pdf.stream(file, &data);
        stream.filter(Filter::FlateDecode);
        if matches!(kind, CidFontType::Type0) {
            stream.pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
        }
        Some(whole)
    }
}

fn advance(font: &Loaded, glyph: u16) -> i32 {
    font.face.glyph_hor_advance(rustybuzz::ttf_parser::GlyphId(glyph)).unwrap_or_default().into()
}

fn table<'a>(font: &'a [u8], tag: &[u8; 4]) -> Option<&'a [u8]> {
    let face = rustybuzz::ttf_parser::RawFace::parse(font, 0).ok()?;
    face.table(rustybuzz::ttf_parser::Tag::from_bytes(tag))
}

/// Compressed, so that nobody takes it for text.
fn compress(data: &[u8]) -> Vec<u8> {
    let mut out = ZlibEncoder::new(Vec::new(), Compression::fast());
    // writing to memory does not fail
    _ = out.write_all(data);
    out.finish().unwrap_or_default()
}
