//! Accounts of a file whose lines are in any order.
//!
//! Lines are appended to one of [`FILES`] files by the hash of their account's id; a file that is too large to
//! be read at once is spread again with another hash. The files are in a folder of the caller's and are
//! removed as they are read. A crash leaves them behind: the folder is emptied when a partition begins.

use crate::{
    Group, Limits, Mark, ReadError,
    line::{Kind, Line, Lines},
};
use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    ops::Range,
    path::{Path, PathBuf},
};

const FILES: usize = 128;
/// Of each file while it is written: all together, four megabytes.
const BUFFER: usize = 32 * 1024;
/// Their number to this power is more than there are accounts.
const LEVELS: u32 = 5;

/// Takes the lines of a file.
pub struct Partition {
    lines: Lines,
    spread: Spread,
    folder: PathBuf,
    limits: Limits,
}

/// Files by the hash of an account's id.
struct Spread {
    files: Vec<BufWriter<File>>,
    paths: Vec<PathBuf>,
    level: u32,
}

impl Partition {
    /// Empties `folder` and begins.
    ///
    /// # Errors
    /// [`ReadError::Spill`].
    pub fn create(folder: &Path, limits: Limits) -> Result<Self, ReadError> {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(ReadError::Spill(error)),
            _ => fs::create_dir_all(folder).map_err(ReadError::Spill)?,
        }
        let spread = Spread::create(folder, "b", 0).map_err(ReadError::Spill)?;
        Ok(Self {
            lines: Lines::new(Mark::default(), limits.line),
            spread,
            folder: folder.to_owned(),
            limits,
        })
    }

    /// Takes the next bytes, from the file's beginning on.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), ReadError> {
        self.lines.feed(chunk, |line| self.spread.line(line))
    }

    /// # Errors
    /// [`ReadError`].
    pub fn end(mut self) -> Result<Buckets, ReadError> {
        self.lines.end(|line| self.spread.line(line))?;
        let mut buckets = Buckets {
            folder: self.folder,
            limits: self.limits,
            left: Vec::new(),
            open: Bucket::default(),
            orphans: 0,
        };
        buckets.push(self.spread)?;
        Ok(buckets)
    }
}

impl Spread {
    fn create(folder: &Path, name: &str, level: u32) -> io::Result<Self> {
        let paths: Vec<_> = (0..FILES).map(|index| folder.join(format!("{name}-{index:03}"))).collect();
        let files = paths.iter().map(|path| Ok(BufWriter::with_capacity(BUFFER, File::create(path)?)));
        Ok(Self { files: files.collect::<io::Result<_>>()?, paths, level })
    }

    fn line(&mut self, line: Line<'_>) -> Result<(), ReadError> {
        let kind = line.kind()?;
        let account = match &kind {
            Kind::Root { id } => id,
            Kind::Child { parent, .. } => parent,
        };
        let index = usize::try_from(hash(account.as_bytes(), self.level) % FILES as u64).unwrap_or(0);
        let Some(file) = self.files.get_mut(index) else { return Ok(()) };
        file.write_all(line.bytes).and_then(|()| file.write_all(b"\n")).map_err(ReadError::Spill)
    }
}

/// FNV-1a with a final mix; another function for each level. Must not change while runs are in progress: the
/// order of accounts depends on it.
pub(crate) fn hash(bytes: &[u8], level: u32) -> u64 {
    let basis = 0xcbf2_9ce4_8422_2325_u64 ^ u64::from(level).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let hash =
        bytes.iter().fold(basis, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

/// Gives the accounts of a [`Partition`], in an order that depends on the file alone.
pub struct Buckets {
    folder: PathBuf,
    limits: Limits,
    /// Files still to be read, the next one last.
    left: Vec<(PathBuf, u32)>,
    open: Bucket,
    orphans: u64,
}

/// A file in memory.
#[derive(Default)]
struct Bucket {
    text: Vec<u8>,
    accounts: std::vec::IntoIter<Account>,
    /// Accounts whose content was left out.
    giants: std::vec::IntoIter<(String, Size)>,
}

struct Account {
    root: Range<usize>,
    children: Vec<Range<usize>>,
}

#[derive(Default, Clone, Copy)]
struct Size {
    bytes: u64,
    children: u64,
    rooted: bool,
}

impl Buckets {
    /// The next account, or nothing after the last.
    ///
    /// # Errors
    /// [`ReadError::Spill`].
    pub fn pop(&mut self) -> Result<Option<Group>, ReadError> {
        loop {
            if let Some((id, size)) = self.open.giants.next() {
                let mut group = Group::new(id, &[]);
                (group.bytes, group.count, group.too_large) = (size.bytes, size.children, true);
                return Ok(Some(group));
            }
            if let Some(account) = self.open.accounts.next() {
                return self.open.group(&account, self.limits.account).map(Some);
            }
            self.open = Bucket::default();
            match self.left.pop() {
                Some((path, level)) => self.open(&path, level)?,
                None => return Ok(None),
            }
        }
    }

    /// Lines whose account is not in the file, of the accounts given so far.
    pub const fn orphans(&self) -> u64 {
        self.orphans
    }

    fn push(&mut self, spread: Spread) -> Result<(), ReadError> {
        let Spread { files, paths, level } = spread;
        for (mut file, path) in files.into_iter().zip(paths).rev() {
            file.flush().map_err(ReadError::Spill)?;
            self.left.push((path, level));
        }
        Ok(())
    }

    fn open(&mut self, path: &Path, level: u32) -> Result<(), ReadError> {
        let length = fs::metadata(path).map_err(ReadError::Spill)?.len();
        if length <= self.limits.bucket as u64 {
            self.open = self.load(path, &HashMap::new())?;
        } else {
            let sizes = self.sizes(path)?;
            let giants: HashMap<_, _> =
                sizes.iter().filter(|(_, size)| size.bytes > self.limits.account as u64).collect();
            let rest = length.saturating_sub(giants.values().map(|size| size.bytes).sum());
            if rest > self.limits.bucket as u64 && sizes.len() - giants.len() > 1 && level < LEVELS {
                self.spread_again(path, level + 1)?;
            } else {
                let giants = giants.into_iter().map(|(id, size)| (id.clone(), *size)).collect();
                self.open = self.load(path, &giants)?;
            }
        }
        fs::remove_file(path).map_err(ReadError::Spill)
    }

    fn spread_again(&mut self, path: &Path, level: u32) -> Result<(), ReadError> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("b");
        let mut spread = Spread::create(&self.folder, name, level).map_err(ReadError::Spill)?;
        scan(path, self.limits, |line| spread.line(line))?;
        self.push(spread)
    }

    fn sizes(&self, path: &Path) -> Result<HashMap<String, Size>, ReadError> {
        let mut sizes: HashMap<String, Size> = HashMap::new();
        scan(path, self.limits, |line| {
            let kind = line.kind()?;
            let (account, root) = match &kind {
                Kind::Root { id } => (id, true),
                Kind::Child { parent, .. } => (parent, false),
            };
            if !sizes.contains_key(account.as_ref()) {
                sizes.insert(account.clone().into_owned(), Size::default());
            }
            if let Some(size) = sizes.get_mut(account.as_ref()) {
                size.bytes += line.bytes.len() as u64;
                size.children += u64::from(!root);
                size.rooted |= root;
            }
            Ok(())
        })?;
        Ok(sizes)
    }

    fn load(&mut self, path: &Path, giants: &HashMap<String, Size>) -> Result<Bucket, ReadError> {
        let mut text = Vec::new();
        // the accounts by id, and their order by the first line that names them
        let mut index: HashMap<String, usize> = HashMap::new();
        let mut accounts: Vec<Account> = Vec::new();
        scan(path, self.limits, |line| {
            let kind = line.kind()?;
            let id = match &kind {
                Kind::Root { id } => id,
                Kind::Child { parent, .. } => parent,
            };
            if giants.contains_key(id.as_ref()) {
                return Ok(());
            }
            let place = match index.get(id.as_ref()) {
                Some(place) => *place,
                None => {
                    accounts.push(Account { root: 0..0, children: Vec::new() });
                    index.insert(id.clone().into_owned(), accounts.len() - 1);
                    accounts.len() - 1
                }
            };
            let range = text.len()..text.len() + line.bytes.len();
            text.extend_from_slice(line.bytes);
            match (kind, accounts.get_mut(place)) {
                (Kind::Root { .. }, Some(account)) if account.root.is_empty() => account.root = range,
                (Kind::Child { .. }, Some(account)) => account.children.push(range),
                _ => {}
            }
            Ok(())
        })?;
        self.orphans +=
            accounts.iter().filter(|it| it.root.is_empty()).map(|it| it.children.len() as u64).sum::<u64>();
        self.orphans += giants.values().filter(|it| !it.rooted).map(|it| it.children).sum::<u64>();
        accounts.retain(|account| !account.root.is_empty());
        let mut giants: Vec<_> =
            giants.iter().filter(|(_, size)| size.rooted).map(|(id, size)| (id.clone(), *size)).collect();
        giants.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Ok(Bucket { text, accounts: accounts.into_iter(), giants: giants.into_iter() })
    }
}

impl Drop for Buckets {
    fn drop(&mut self) {
        // what cannot be removed now is removed when the next partition begins
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Bucket {
    /// A root that came twice brings its children twice: lines that are the same are one.
    fn group(&self, account: &Account, limit: usize) -> Result<Group, ReadError> {
        let line = |range: &Range<usize>| {
            let bytes = self.text.get(range.clone()).unwrap_or_default();
            Line { bytes, begin: Mark::default(), end: Mark::default() }
        };
        let root = line(&account.root);
        let Kind::Root { id } = root.kind()? else { return Err(ReadError::Malformed { line: 0 }) };
        let mut group = Group::new(id.into_owned(), root.bytes);
        let mut seen = HashSet::with_capacity(account.children.len());
        for range in &account.children {
            let line = line(range);
            if seen.insert(line.bytes)
                && let Kind::Child { body, .. } = line.kind()?
            {
                group.add(&body, line.bytes.len(), limit);
            }
        }
        Ok(group)
    }
}

fn scan(
    path: &Path,
    limits: Limits,
    mut each: impl FnMut(Line<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut file = File::open(path).map_err(ReadError::Spill)?;
    let mut lines = Lines::new(Mark::default(), limits.line);
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = file.read(&mut buffer).map_err(ReadError::Spill)?;
        if read == 0 {
            return lines.end(each);
        }
        lines.feed(buffer.get(..read).unwrap_or_default(), &mut each)?;
    }
}
