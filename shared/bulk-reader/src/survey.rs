//! Whether a file is grouped.

use crate::{
    Limits, Mark, ReadError,
    line::{Kind, Line, Lines},
};
use serde::{Deserialize, Serialize};

/// Roots remembered, to recognise one that comes twice, where they do not come in the order of their ids.
const REMEMBERED: usize = 1 << 18;

/// A look through a whole file. Its state can be stored between two calls and taken up at [`Survey::mark`].
#[derive(Serialize, Deserialize)]
pub struct Survey {
    mark: Mark,
    roots: u64,
    children: u64,
    grouped: bool,
    /// The root of the last line.
    open: String,
    /// Roots came in ascending order, so none came twice.
    ascending: bool,
    last: u64,
    /// The numbers of all roots: as many as there are roots, or useless.
    #[serde(skip)]
    numbers: Vec<u64>,
    #[serde(skip)]
    lines: Option<Lines>,
    #[serde(skip)]
    limit: Option<usize>,
}

impl Survey {
    pub fn new(limits: Limits) -> Self {
        Self {
            mark: Mark::default(),
            roots: 0,
            children: 0,
            grouped: true,
            open: String::new(),
            ascending: true,
            last: 0,
            numbers: Vec::new(),
            lines: None,
            limit: Some(limits.line),
        }
    }

    /// From where the bytes of the next [`Survey::feed`] have to be, if the survey was stored meanwhile.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// What the file was found to have so far: roots and lines that belong to one.
    pub const fn counts(&self) -> (u64, u64) {
        (self.roots, self.children)
    }

    /// Whether the rest of the file matters.
    pub const fn may_be_grouped(&self) -> bool {
        self.grouped
    }

    /// # Errors
    /// [`ReadError::LineTooLong`], [`ReadError::Malformed`].
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), ReadError> {
        let mut lines = self.lines();
        let result = lines.feed(chunk, |line| self.line(line));
        self.mark = lines.mark();
        self.lines = Some(lines);
        result
    }

    /// Whether each account's lines stand together, after its root.
    ///
    /// # Errors
    /// As [`Survey::feed`], of the last line.
    pub fn end(mut self) -> Result<bool, ReadError> {
        let mut lines = self.lines();
        lines.end(|line| self.line(line))?;
        Ok(self.grouped && (self.ascending || self.all_differ()))
    }

    fn lines(&mut self) -> Lines {
        let limit = self.limit.unwrap_or(Limits::default().line);
        self.lines.take().unwrap_or_else(|| Lines::new(self.mark, limit))
    }

    fn line(&mut self, line: Line<'_>) -> Result<(), ReadError> {
        match line.kind()? {
            Kind::Root { id } => {
                let number = number(&id);
                self.ascending &= self.roots == 0 || number > self.last;
                self.last = number;
                self.roots += 1;
                if self.numbers.len() < REMEMBERED {
                    self.numbers.push(number);
                }
                self.open.clear();
                self.open.push_str(&id);
            }
            Kind::Child { parent, .. } => {
                self.children += 1;
                self.grouped &= self.roots > 0 && parent == self.open;
            }
        }
        Ok(())
    }

    fn all_differ(&mut self) -> bool {
        self.numbers.sort_unstable();
        self.numbers.len() as u64 == self.roots && self.numbers.windows(2).all(|pair| pair[0] != pair[1])
    }
}

/// The number a global id ends in; else something of the same size that differs where ids do, nearly always:
/// a mistake costs the slower way of reading.
fn number(id: &str) -> u64 {
    let digits = id.rsplit('/').next().unwrap_or_default();
    digits.parse().unwrap_or_else(|_| crate::partition::hash(id.as_bytes(), 0))
}
