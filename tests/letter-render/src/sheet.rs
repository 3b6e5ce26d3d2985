//! Drawing on A4 pages. Every coordinate here counts from the top left of the page, in points.

use crate::{
    embed::Embedded,
    lines::{Line, Piece, line, wrap},
    style::{ACCENT, BOTTOM, Font, GREY, LEFT, LINE, NEXT_TOP, PAGE, RIGHT, SMALL, font},
    text::Face,
};
use pdf_writer::{Content, Name, Str, TextStr};

/// The last page that is drawn; what is behind it is left out, and says so.
const MOST_PAGES: usize = 300;

/// One letter's pages, and how far down the last one is written.
///
/// Where the language is written from right to left, everything is drawn as in a mirror: callers always count
/// from the side on which reading begins.
#[derive(Default)]
pub(crate) struct Sheet {
    pages: Vec<Content>,
    pub y: f32,
    /// Drawn on the top of every page but the first.
    pub running: (String, String),
    pub mirrored: bool,
    pub fonts: Embedded,
    full: bool,
}

impl Sheet {
    pub fn new(mirrored: bool, fonts: Embedded) -> Self {
        Self { pages: vec![Content::new()], mirrored, fonts, ..Self::default() }
    }

    fn page(&mut self) -> &mut Content {
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }

    /// Whether no page is left to draw on.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Goes to the next page unless `height` more points fit. True if it went.
    pub fn need(&mut self, height: f32) -> bool {
        if self.full || self.y + height <= BOTTOM {
            return false;
        }
        if self.pages.len() >= MOST_PAGES {
            self.text(LEFT, BOTTOM + 6.0, "[…]", SMALL);
            self.full = true;
            return false;
        }
        self.pages.push(Content::new());
        let (left, right) = self.running.clone();
        let title = wrap(&right, SMALL.face, SMALL.size, RIGHT - LEFT - 200.0);
        self.text_right(RIGHT, 52.0, title.first(), SMALL);
        let brand = wrap(&left, Face::Bold, 10.0, 190.0);
        self.text(LEFT, 52.0, brand.first(), font(Face::Bold, 10.0, ACCENT));
        self.rule(LEFT, RIGHT, 62.0, LINE);
        self.y = NEXT_TOP;
        true
    }

    /// Where a stretch from `x` of `wide` points begins on the paper.
    fn place(&self, x: f32, wide: f32) -> f32 {
        if self.mirrored { PAGE.0 - x - wide } else { x }
    }

    /// A line whose reading begins at `x`.
    pub fn text<'a>(&mut self, x: f32, y: f32, text: impl Into<Shown<'a>>, font: Font) {
        let Some(line) = text.into().line(font) else { return };
        let x = self.place(x, line.width);
        self.draw(x, y, &line, font);
    }

    /// A line that ends at `right`.
    pub fn text_right<'a>(&mut self, right: f32, y: f32, text: impl Into<Shown<'a>>, font: Font) {
        let Some(line) = text.into().line(font) else { return };
        let x = self.place(right - line.width, line.width);
        self.draw(x, y, &line, font);
    }

    fn draw(&mut self, mut x: f32, y: f32, line: &Line, font: Font) {
        if self.full || line.pieces.is_empty() {
            return;
        }
        let y = PAGE.1 - y;
        let last = self.pages.len() - 1;
        let (page, fonts) = (&mut self.pages[last], &mut self.fonts);
        let [r, g, b] = font.colour;
        page.set_fill_rgb(r, g, b).set_stroke_rgb(r, g, b);
        let spoken = line.pieces.iter().any(|piece| matches!(piece, Piece::Shaped { .. }));
        if spoken {
            let mut mark = page.begin_marked_content_with_properties(Name(b"Span"));
            // a property of ours, for `read_text`: with `ActualText` poppler reverses right-to-left text
            mark.properties().pair(Name(b"Says"), TextStr(&line.text));
        }
        for piece in &line.pieces {
            match piece {
                Piece::Plain(bytes, wide) => {
                    let name = if font.face == Face::Bold { Name(b"F2") } else { Name(b"F1") };
                    page.begin_text().set_font(name, font.size).next_line(x, y).show(Str(bytes)).end_text();
                    x += wide * font.size;
                }
                Piece::Shaped { font: index, glyphs } => x = fonts.show(page, *index, glyphs, (x, y), font),
            }
        }
        if spoken {
            page.end_marked_content();
        }
    }

    pub fn rule(&mut self, from: f32, to: f32, y: f32, colour: [f32; 3]) {
        let [r, g, b] = colour;
        let (wide, y) = (to - from, PAGE.1 - y);
        let from = self.place(from, wide);
        let to = from + wide;
        self.page().set_stroke_rgb(r, g, b).set_line_width(0.6).move_to(from, y).line_to(to, y).stroke();
    }

    pub fn fill(&mut self, x: f32, y: f32, wide: f32, high: f32, colour: [f32; 3]) {
        let [r, g, b] = colour;
        let x = self.place(x, wide);
        self.page().set_fill_rgb(r, g, b).rect(x, PAGE.1 - y - high, wide, high).fill_nonzero();
    }

    /// Lines of text going down from `y`; answers where the next line would be.
    pub fn lines(&mut self, x: f32, mut y: f32, lines: &[Line], font: Font, leading: f32) -> f32 {
        for line in lines {
            self.text(x, y, line, font);
            y += leading;
        }
        y
    }

    /// The finished pages, and the fonts they use.
    pub fn into_pages(self) -> (Vec<Content>, Embedded) {
        (self.pages, self.fonts)
    }

    /// A paragraph at the running position, over as many pages as it needs.
    pub fn paragraph(&mut self, text: &str, font: Font, leading: f32) {
        for line in wrap(text, font.face, font.size, RIGHT - LEFT) {
            self.need(leading);
            let y = self.y;
            self.text(LEFT, y, &line, font);
            self.y += leading;
        }
    }

    /// Foot lines, once the number of pages is known.
    pub fn number(&mut self, sender: &[String], reference: &str, page: &str, of: &str) {
        let count = self.pages.len();
        let pages = std::mem::take(&mut self.pages);
        self.full = false;
        let lines = sender.iter().flat_map(|it| wrap(it, Face::Regular, 7.0, RIGHT - LEFT - 130.0));
        let sender: Vec<Line> = lines.take(4).collect();
        for (number, one) in (1..).zip(pages) {
            self.pages.push(one);
            self.rule(LEFT, RIGHT, PAGE.1 - 54.0, LINE);
            self.lines(LEFT, PAGE.1 - 43.0, &sender, font(Face::Regular, 7.0, GREY), 8.0);
            self.text_right(RIGHT, PAGE.1 - 33.0, reference, font(Face::Regular, 6.0, GREY));
            self.text_right(RIGHT, PAGE.1 - 43.0, &*format!("{page} {number} {of} {count}"), SMALL);
        }
    }
}

/// What is drawn: a line that was measured, or a short text that is one line.
pub(crate) enum Shown<'a> {
    Line(Option<&'a Line>),
    Text(&'a str),
}

impl<'a> Shown<'a> {
    fn line(self, font: Font) -> Option<std::borrow::Cow<'a, Line>> {
        match self {
            Self::Line(line) => line.map(std::borrow::Cow::Borrowed),
            Self::Text(text) => Some(std::borrow::Cow::Owned(line(text, font.face, font.size))),
        }
    }
}

impl<'a> From<&'a Line> for Shown<'a> {
    fn from(line: &'a Line) -> Self {
        Self::Line(Some(line))
    }
}

impl<'a> From<Option<&'a Line>> for Shown<'a> {
    fn from(line: Option<&'a Line>) -> Self {
        Self::Line(line)
    }
}

impl<'a> From<&'a str> for Shown<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Shown<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}
