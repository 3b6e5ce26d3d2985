//! Accounts of a grouped file.

use crate::{
    Limits, Mark, ReadError,
    line::{Body, Kind, Line, Lines},
};
use std::collections::VecDeque;

/// One account: a root and its children, as Shopify wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub id: String,
    /// The root's JSON; empty if the account is too large.
    pub root: Vec<u8>,
    /// The children's JSON without `__parentId`, separated by commas; empty if the account is too large.
    pub children: Vec<u8>,
    /// How many children there are.
    pub count: u64,
    /// Bytes of all its lines.
    pub bytes: u64,
    /// Whether it exceeds [`Limits::account`].
    pub too_large: bool,
    /// Where reading continues after it; of no use for an account of [`crate::Buckets`].
    pub mark: Mark,
}

impl Group {
    pub(crate) fn new(id: String, root: &[u8]) -> Self {
        Self {
            id,
            root: root.to_vec(),
            children: Vec::new(),
            count: 0,
            bytes: root.len() as u64,
            too_large: false,
            mark: Mark::default(),
        }
    }

    pub(crate) fn add(&mut self, body: &Body<'_>, bytes: usize, limit: usize) {
        self.count += 1;
        self.bytes += bytes as u64;
        if self.too_large || self.bytes > limit as u64 {
            (self.root, self.children, self.too_large) = (Vec::new(), Vec::new(), true);
            return;
        }
        if !self.children.is_empty() {
            self.children.push(b',');
        }
        body.write(&mut self.children);
    }
}

/// Reads a file that a [`crate::Survey`] found to be grouped.
pub struct Groups {
    lines: Lines,
    collector: Collector,
}

struct Collector {
    open: Option<Group>,
    ready: VecDeque<Group>,
    limit: usize,
}

impl Groups {
    /// A reader of the bytes from `from`, which is the beginning or the mark of an account.
    pub fn new(from: Mark, limits: Limits) -> Self {
        let collector = Collector { open: None, ready: VecDeque::new(), limit: limits.account };
        Self { lines: Lines::new(from, limits.line), collector }
    }

    /// Takes the next bytes of the file. All accounts they complete wait in [`Groups::pop`]: take them before
    /// the next call.
    ///
    /// # Errors
    /// [`ReadError`]; the accounts complete by then can still be taken.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), ReadError> {
        self.lines.feed(chunk, |line| self.collector.line(line))
    }

    /// The file has ended, and with it its last account.
    ///
    /// # Errors
    /// As [`Groups::feed`], of the last line.
    pub fn end(&mut self) -> Result<(), ReadError> {
        self.lines.end(|line| self.collector.line(line))?;
        let end = self.lines.mark();
        self.collector.close(end);
        Ok(())
    }

    pub fn pop(&mut self) -> Option<Group> {
        self.collector.ready.pop_front()
    }
}

impl Collector {
    fn line(&mut self, line: Line<'_>) -> Result<(), ReadError> {
        match (line.kind()?, &mut self.open) {
            (Kind::Root { id }, _) => {
                self.close(line.begin);
                self.open = Some(Group::new(id.into_owned(), line.bytes));
                Ok(())
            }
            (Kind::Child { parent, body }, Some(open)) if parent == open.id => {
                open.add(&body, line.bytes.len(), self.limit);
                Ok(())
            }
            (Kind::Child { .. }, _) => Err(ReadError::NotGrouped { line: line.end.line }),
        }
    }

    fn close(&mut self, mark: Mark) {
        if let Some(mut group) = self.open.take() {
            group.mark = mark;
            self.ready.push_back(group);
        }
    }
}
