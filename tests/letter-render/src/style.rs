//! Measures of the page, colours and fonts.

use crate::text::Face;

pub(crate) const PAGE: (f32, f32) = (595.28, 841.89);
pub(crate) const LEFT: f32 = 62.0;
pub(crate) const RIGHT: f32 = PAGE.0 - 56.0;
pub(crate) const BOTTOM: f32 = PAGE.1 - 64.0;
/// Where the running text of the second and later pages begins.
pub(crate) const NEXT_TOP: f32 = 88.0;

const INK: [f32; 3] = [0.13, 0.14, 0.16];
pub(crate) const GREY: [f32; 3] = [0.42, 0.45, 0.49];
pub(crate) const ACCENT: [f32; 3] = [0.12, 0.23, 0.37];
pub(crate) const TINT: [f32; 3] = [0.93, 0.95, 0.965];
pub(crate) const LINE: [f32; 3] = [0.82, 0.85, 0.88];

#[derive(Clone, Copy)]
pub(crate) struct Font {
    pub face: Face,
    pub size: f32,
    pub colour: [f32; 3],
}

pub(crate) const fn font(face: Face, size: f32, colour: [f32; 3]) -> Font {
    Font { face, size, colour }
}

pub(crate) const BODY: Font = font(Face::Regular, 10.0, INK);
pub(crate) const CELL: Font = font(Face::Regular, 9.0, INK);
pub(crate) const CELL_BOLD: Font = font(Face::Bold, 9.0, INK);
pub(crate) const SMALL: Font = font(Face::Regular, 8.0, GREY);
pub(crate) const HEAD: Font = font(Face::Bold, 8.0, ACCENT);

/// Where the amounts of tables and totals end.
pub(crate) const AMOUNT: f32 = RIGHT - 8.0;
