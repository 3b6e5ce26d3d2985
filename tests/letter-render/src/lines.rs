//! Text as lines of placed glyphs: fonts chosen, scripts shaped, directions resolved, broken where Unicode allows.
//!
//! What the built-in fonts can show takes a short way, one byte per letter. Everything takes time in proportion to
//! the length of the text; what is longer than a page could ever need is cut, and says so.

use crate::{
    fonts::{self, Loaded},
    text::{Face, encode, fits, width},
};
use rustybuzz::{Direction, Feature, UnicodeBuffer, ttf_parser::Tag};
use std::ops::Range;
use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};
use unicode_linebreak::linebreaks;

/// Bytes of a text that a page shows: of one in the built-in fonts, and of one that is shaped.
const LONGEST: usize = 100_000;
const LONGEST_SHAPED: usize = 8_000;
const CUT: &str = " […]";

/// One line, in the order in which it is drawn from left to right.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line {
    pub pieces: Vec<Piece>,
    pub width: f32,
    /// What it says, in reading order.
    pub text: String,
}

#[derive(Debug, Clone)]
pub(crate) enum Piece {
    /// Bytes of a built-in font, and their width.
    Plain(Vec<u8>, f32),
    /// Glyphs of an embedded font.
    Shaped { font: usize, glyphs: Vec<Glyph> },
}

/// Distances are parts of the font size.
#[derive(Debug, Clone)]
pub(crate) struct Glyph {
    pub id: u16,
    pub advance: f32,
    pub x: f32,
    pub y: f32,
    /// What it stands for; empty for the second and later glyphs of one letter.
    pub text: String,
}

/// A text on one line, however long.
pub(crate) fn line(text: &str, face: Face, size: f32) -> Line {
    let text = text.replace(['\n', '\r'], " ");
    wrap(&text, face, size, f32::INFINITY).into_iter().next().unwrap_or_default()
}

pub(crate) fn wide(text: &str, face: Face, size: f32) -> f32 {
    line(text, face, size).width
}

/// Breaks a text into lines no wider than `limit`; at least one, which may be empty.
pub(crate) fn wrap(text: &str, face: Face, size: f32, limit: f32) -> Vec<Line> {
    let plain = fits(text);
    let longest = if plain { LONGEST } else { LONGEST_SHAPED };
    let cut = (text.len() > longest).then(|| {
        let end = (0..=longest).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        format!("{}{CUT}", &text[..end])
    });
    let mut lines = Vec::new();
    for paragraph in cut.as_deref().unwrap_or(text).lines() {
        if plain || fits(paragraph) || fonts::get(0).is_none() {
            lines.extend(break_plain(&encode(paragraph), face, size, limit));
        } else {
            Paragraph::of(paragraph, face).lines(size, limit, &mut lines);
        }
    }
    if lines.is_empty() {
        lines.push(Line::default());
    }
    lines
}

fn plain_line(bytes: &[u8], face: Face, size: f32) -> Line {
    let bytes = bytes.trim_ascii();
    let wide = width(bytes, face, size);
    let pieces = if bytes.is_empty() { Vec::new() } else { vec![Piece::Plain(bytes.to_vec(), wide / size)] };
    Line { pieces, width: wide, text: crate::text::decode(bytes) }
}

/// Lines of a built-in font: broken at a space, inside a long word after a hyphen or the like, else anywhere.
fn break_plain(bytes: &[u8], face: Face, size: f32, limit: f32) -> Vec<Line> {
    let mut lines = Vec::new();
    let (mut start, mut used, mut at) = (0, 0.0, 0);
    // the last place to break at, and whether that is a space
    let (mut space, mut separator) = (None, None);
    while at < bytes.len() {
        let byte = bytes[at];
        if start == at && byte == b' ' {
            (start, at) = (at + 1, at + 1);
            continue;
        }
        used += width(&bytes[at..=at], face, size);
        match byte {
            b' ' => space = Some(at),
            b'-' | b'/' | b'_' | b'.' | b'@' => separator = Some(at + 1),
            _ => {}
        }
        if used > limit && byte != b' ' {
            let far = separator.filter(|cut| (cut - start) * 2 > at - start && *cut <= at);
            let end = space.or(far).unwrap_or(at).max(start + 1);
            lines.push(plain_line(&bytes[start..end], face, size));
            // what is behind the break is measured again, at most a line's length
            (start, at, used, space, separator) = (end, end, 0.0, None, None);
            continue;
        }
        at += 1;
    }
    if start < bytes.len() || lines.is_empty() {
        lines.push(plain_line(&bytes[start.min(bytes.len())..], face, size));
    }
    lines
}

/// A letter with what belongs to it, in reading order.
struct Cluster {
    text: Range<usize>,
    item: usize,
    glyphs: Range<usize>,
    advance: f32,
}

/// A stretch of one font and one direction.
struct Item {
    font: Option<&'static Loaded>,
    level: Level,
}

struct Paragraph {
    text: String,
    items: Vec<Item>,
    clusters: Vec<Cluster>,
    glyphs: Vec<Glyph>,
}

/// Characters that change the direction of their surroundings and are not the text's own.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl Paragraph {
    fn of(text: &str, face: Face) -> Self {
        let text: String = text
            .chars()
            .filter(|c| !matches!(c, '\u{202a}'..='\u{202e}' | '\u{fffe}' | '\u{ffff}'))
            .map(|c| if bidi_class(c) == BidiClass::B || c.is_control() { ' ' } else { c })
            .collect();
        let levels = BidiInfo::new(&text, None).levels;
        let fonts = choose(&text);
        let mut it = Self { text, items: Vec::new(), clusters: Vec::new(), glyphs: Vec::new() };
        let mut start = 0;
        for (index, (at, _, font)) in fonts.iter().enumerate() {
            let end = fonts.get(index + 1).map_or(it.text.len(), |(next, ..)| *next);
            let same = fonts.get(index + 1).is_some_and(|(next, _, other)| {
                levels[*next] == levels[*at] && other.map(|f| f.index) == font.map(|f| f.index)
            });
            if !same {
                it.add(start..end, *font, levels[*at], face);
                start = end;
            }
        }
        it
    }

    fn add(&mut self, range: Range<usize>, font: Option<&'static Loaded>, level: Level, face: Face) {
        self.items.push(Item { font, level });
        let item = self.items.len() - 1;
        match font {
            None => {
                for (at, c) in self.text[range.clone()].char_indices() {
                    let at = range.start + at;
                    let mut shown = [0; 4];
                    let shown = if is_invisible(c) { "" } else { mirrored(c, level).encode_utf8(&mut shown) };
                    let advance = width(&encode(shown), face, 1.0);
                    let glyph = Glyph { id: 0, advance, x: 0.0, y: 0.0, text: shown.to_owned() };
                    self.glyphs.push(glyph);
                    let last = self.glyphs.len() - 1;
                    let text = at..at + c.len_utf8();
                    self.clusters.push(Cluster { text, item, glyphs: last..last + 1, advance });
                }
            }
            Some(font) => self.shape(range, font, item, level),
        }
    }

    fn shape(&mut self, range: Range<usize>, font: &'static Loaded, item: usize, level: Level) {
        let mut buffer = UnicodeBuffer::new();
        for (at, c) in self.text[range.clone()].char_indices().filter(|(_, c)| !is_invisible(*c)) {
            buffer.add(c, (range.start + at) as u32);
        }
        buffer.guess_segment_properties();
        buffer.set_direction(if level.is_rtl() { Direction::RightToLeft } else { Direction::LeftToRight });
        // without kerning the widths are the font's own and need no corrections on the page
        let features = [Feature::new(Tag::from_bytes(b"kern"), 0, ..)];
        let plan = font.plan(&buffer, &features);
        let shaped = rustybuzz::shape_with_plan(&font.face, &plan, buffer);
        let found: Vec<_> = shaped.glyph_infos().iter().zip(shaped.glyph_positions()).collect();
        let mut groups: Vec<Range<usize>> = Vec::new();
        for (index, (info, _)) in found.iter().enumerate() {
            match groups.last_mut() {
                Some(group) if found[group.start].0.cluster == info.cluster => group.end = index + 1,
                _ => groups.push(index..index + 1),
            }
        }
        if level.is_rtl() {
            groups.reverse();
        }
        for (index, group) in groups.iter().enumerate() {
            let start = found[group.start].0.cluster as usize;
            let end = groups.get(index + 1).map_or(range.end, |next| found[next.start].0.cluster as usize);
            let first = self.glyphs.len();
            let text: String =
                self.text[start..end.max(start)].chars().filter(|c| !is_invisible(*c)).collect();
            // a letter of several glyphs is told by the one that takes the room, not by its marks
            let main = group.clone().rev().max_by_key(|index| found[*index].1.x_advance);
            let mut advance = 0.0;
            for (index, (info, position)) in group.clone().zip(&found[group.clone()]) {
                advance += font.em(position.x_advance);
                self.glyphs.push(Glyph {
                    id: info.glyph_id as u16,
                    advance: font.em(position.x_advance),
                    x: font.em(position.x_offset),
                    y: font.em(position.y_offset),
                    text: if main == Some(index) { text.clone() } else { String::new() },
                });
            }
            let glyphs = first..self.glyphs.len();
            self.clusters.push(Cluster { text: start..end.max(start), item, glyphs, advance });
        }
    }

    fn lines(&self, size: f32, limit: f32, out: &mut Vec<Line>) {
        let mut breaks = linebreaks(&self.text).map(|(at, _)| at).peekable();
        let blank = |cluster: &Cluster| self.text[cluster.text.clone()].trim().is_empty();
        let (mut start, mut at, mut used, mut place) = (0, 0, 0.0, None);
        let begun = out.len();
        while at < self.clusters.len() {
            let cluster = &self.clusters[at];
            while breaks.next_if(|next| *next < cluster.text.start).is_some() {}
            if breaks.peek() == Some(&cluster.text.start) {
                place = Some(at);
            }
            if start == at && blank(cluster) {
                (start, at) = (at + 1, at + 1);
                continue;
            }
            used += cluster.advance * size;
            if used > limit && !blank(cluster) {
                let end = place.filter(|place| *place > start).unwrap_or(at).max(start + 1);
                out.push(self.line(start..end, size));
                used = self.clusters[end.min(at)..at + 1].iter().map(|c| c.advance * size).sum();
                (start, at, place) = (end, (at + 1).max(end), None);
                // what moved to the next line begins with a letter
                continue;
            }
            at += 1;
        }
        if start < self.clusters.len() || out.len() == begun {
            out.push(self.line(start.min(self.clusters.len())..self.clusters.len(), size));
        }
    }

    fn line(&self, range: Range<usize>, size: f32) -> Line {
        let mut clusters = &self.clusters[range];
        while let Some((last, rest)) = clusters.split_last()
            && self.text[last.text.clone()].trim().is_empty()
        {
            clusters = rest;
        }
        let Some((first, last)) = clusters.first().zip(clusters.last()) else { return Line::default() };
        let said = &self.text[first.text.start..last.text.end];
        let text = said.chars().filter(|c| !is_invisible(*c)).collect();
        let mut runs: Vec<&[Cluster]> = clusters.chunk_by(|a, b| a.item == b.item).collect();
        self.reorder(&mut runs);
        let pieces = runs.iter().map(|run| self.piece(run)).collect();
        Line { pieces, width: clusters.iter().map(|cluster| cluster.advance * size).sum(), text }
    }

    /// Rule L2 of Unicode's bidirectional algorithm, over runs instead of letters.
    fn reorder(&self, runs: &mut [&[Cluster]]) {
        let level = |run: &[Cluster]| run.first().map_or(0, |first| self.items[first.item].level.number());
        let highest = runs.iter().map(|run| level(run)).max().unwrap_or(0);
        for lowest in (1..=highest).rev() {
            for group in runs.chunk_by_mut(|a, b| (level(a) >= lowest) == (level(b) >= lowest)) {
                if level(group[0]) >= lowest {
                    group.reverse();
                }
            }
        }
    }

    fn piece(&self, run: &[Cluster]) -> Piece {
        let item = &self.items[run[0].item];
        let mut order: Vec<&Cluster> = run.iter().collect();
        if item.level.is_rtl() {
            order.reverse();
        }
        let glyphs = order.into_iter().flat_map(|cluster| &self.glyphs[cluster.glyphs.clone()]);
        match item.font {
            Some(font) => Piece::Shaped { font: font.index, glyphs: glyphs.cloned().collect() },
            None => {
                let text: String = glyphs.clone().map(|glyph| glyph.text.as_str()).collect();
                Piece::Plain(encode(&text), glyphs.map(|glyph| glyph.advance).sum())
            }
        }
    }
}

/// The font of each character; `None` is the built-in one.
fn choose(text: &str) -> Vec<(usize, char, Option<&'static Loaded>)> {
    let mut chosen: Vec<(usize, char, Option<&'static Loaded>)> = Vec::new();
    for (at, c) in text.char_indices() {
        let before = chosen.last().and_then(|(.., font)| *font);
        let font = match before {
            Some(font) if joins(c) => Some(font),
            _ if fits(c.encode_utf8(&mut [0; 4])) => None,
            _ => fonts::of(c),
        };
        chosen.push((at, c, font));
    }
    // a word is not set in two kinds of Latin letters
    for word in chosen.split_mut(|(_, c, _)| *c == ' ') {
        let sans = word.iter().find_map(|(.., font)| font.filter(|font| font.index == 0));
        if sans.is_some() {
            let letters = word.iter_mut().filter(|(_, c, font)| font.is_none() && c.is_alphanumeric());
            letters.for_each(|(.., font)| *font = sans);
        }
    }
    chosen
}

/// Marks, joiners and modifiers, which are shown with the letter before them.
fn joins(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}' | '\u{20e3}' | '\u{fe00}'..='\u{fe0f}')
        || matches!(c, '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}')
}

/// A bracket that faces the other way where the text runs from right to left.
fn mirrored(c: char, level: Level) -> char {
    const PAIRS: [(char, char); 6] = [('(', ')'), ('[', ']'), ('{', '}'), ('<', '>'), ('«', '»'), ('‹', '›')];
    let other = PAIRS.iter().find_map(|(a, b)| if c == *a { Some(*b) } else { (c == *b).then_some(*a) });
    other.filter(|_| level.is_rtl()).unwrap_or(c)
}
