//! Bodies that are not sent in one piece: parts of files, and those that break off on purpose.
//!
//! A file is read block by block as the client takes it, so that its size does not matter. A body that
//! breaks off announces its full length first, as when a connection dies.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::PathBuf,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::sync::mpsc;

const BLOCK: usize = 256 << 10;

/// A part of a file.
#[derive(Debug, Clone)]
pub struct Stream {
    pub path: PathBuf,
    pub from: u64,
    pub len: u64,
}

/// Where a body breaks off, and how long it hangs before.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    pub after: u64,
    pub hang: Duration,
}

pub(crate) enum Source {
    Bytes(Bytes),
    File(Stream),
}

impl Source {
    const fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(stream) => stream.len,
        }
    }
}

/// A body that is being produced.
pub(crate) struct StreamedBody {
    blocks: mpsc::Receiver<io::Result<Bytes>>,
    left: u64,
}

impl StreamedBody {
    pub fn start(source: Source, cut: Option<Cut>) -> Self {
        let (sender, blocks) = mpsc::channel(4);
        let left = source.len();
        tokio::task::spawn_blocking(move || {
            let end = cut.map_or(left, |cut| cut.after.min(left));
            let outcome = produce(source, end, &sender);
            match (outcome, cut) {
                // the client has gone
                (Ok(false), _) => {}
                (Ok(true), Some(cut)) if cut.after < left => {
                    std::thread::sleep(cut.hang);
                    let _ = sender.blocking_send(Err(io::ErrorKind::ConnectionReset.into()));
                }
                (Ok(true), _) => {}
                (Err(error), _) => _ = sender.blocking_send(Err(error)),
            }
        });
        Self { blocks, left }
    }
}

/// Sends the first `end` bytes; false if nobody takes them.
fn produce(source: Source, end: u64, sender: &mpsc::Sender<io::Result<Bytes>>) -> io::Result<bool> {
    match source {
        Source::Bytes(bytes) => {
            let mut rest = bytes.slice(..end as usize);
            while !rest.is_empty() {
                let block = rest.split_to(rest.len().min(BLOCK));
                if sender.blocking_send(Ok(block)).is_err() {
                    return Ok(false);
                }
            }
        }
        Source::File(stream) => {
            let mut file = File::open(&stream.path)?;
            file.seek(SeekFrom::Start(stream.from))?;
            let mut left = end;
            while left > 0 {
                let mut block = vec![0; BLOCK.min(left as usize)];
                file.read_exact(&mut block)?;
                left -= block.len() as u64;
                if sender.blocking_send(Ok(block.into())).is_err() {
                    return Ok(false);
                }
            }
        }
    }
    Ok(true)
}

impl Body for StreamedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let block = ready!(self.blocks.poll_recv(cx));
        if let Some(Ok(bytes)) = &block {
            self.left -= bytes.len() as u64;
        }
        Poll::Ready(block.map(|block| block.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
