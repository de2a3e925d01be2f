//! What the workers that read from TCP share: the listener, how many connections there were, and the number of the next
//! chunk.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::feed::{TcpChunk, TcpFeed};
use super::{Rules, TcpLines, TcpWatch};
use crate::run::{Context, lock};
use crate::source::Form;
use crate::step::Pipe;

/// Where connections come from.
pub(super) enum Origin {
    /// From clients.
    Listen(TcpListener),
    /// There is one, and its other end.
    Peer(TcpStream, SocketAddr),
}

/// The source of [`Flow::from_tcp`](crate::Flow::from_tcp) (of `str`) and
/// [`Flow::from_tcp_bytes`](crate::Flow::from_tcp_bytes) (of `[u8]`).
pub struct FromTcp<F: ?Sized> {
    door: Mutex<Door>,
    /// Whether nobody else is let in.
    over: AtomicBool,
    at_once: u64,
    pub(super) rules: Rules,
    pub(super) watch: TcpWatch,
    ticket: AtomicU64,
    form: PhantomData<fn() -> Box<F>>,
}

/// How connections come in.
struct Door {
    /// `None` once nobody else is let in.
    origin: Option<Origin>,
    /// How many are still let in.
    left: Option<u64>,
}

/// What came of asking for a connection.
pub(super) enum Knock {
    Come(mio::net::TcpStream, SocketAddr),
    /// Nobody is there.
    Nobody,
    /// As many are open as may be.
    Later,
    /// Nobody else is let in.
    Over,
}

impl<F: ?Sized> FromTcp<F> {
    pub(crate) fn new(lines: TcpLines) -> Self {
        let over = lines.connections == Some(0);
        FromTcp {
            door: Mutex::new(Door {
                origin: (!over).then_some(lines.origin),
                left: lines.connections,
            }),
            over: AtomicBool::new(over),
            at_once: lines.at_once,
            rules: lines.rules,
            watch: lines.watch,
            ticket: AtomicU64::new(0),
            form: PhantomData,
        }
    }

    /// A worker's own handle of the listener, if there is one.
    pub(super) fn listener(&self) -> io::Result<Option<mio::net::TcpListener>> {
        match &lock(&self.door).origin {
            Some(Origin::Listen(listener)) => {
                let own = mio::net::TcpListener::from_std(listener.try_clone()?);
                Ok(Some(own))
            }
            _ => Ok(None),
        }
    }

    /// Lets a connection in, if there is one and it may; never waits.
    pub(super) fn knock(&self) -> io::Result<Knock> {
        let mut door = lock(&self.door);
        let (stream, peer) = match door.origin.take() {
            None => return Ok(Knock::Over),
            Some(Origin::Peer(stream, peer)) => (stream, peer),
            Some(Origin::Listen(listener)) => {
                let accepted = match self.watch.open() < self.at_once {
                    true => listener.accept().map(Some),
                    false => Ok(None),
                };
                door.origin = Some(Origin::Listen(listener));
                match accepted {
                    Ok(Some(accepted)) => accepted,
                    Ok(None) => return Ok(Knock::Later),
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(Knock::Nobody),
                    Err(e) if gone(&e) => return Ok(Knock::Later),
                    Err(e) => return Err(e),
                }
            }
        };
        door.left = door.left.map(|left| left.saturating_sub(1));
        if door.left == Some(0) || door.origin.is_none() {
            // Whoever comes now is refused, as soon as the workers have let go of their handles too.
            door.origin = None;
            self.over.store(true, Ordering::Release);
        }
        // Under the lock, so that no more are open than may be.
        self.watch.opened();
        drop(door);
        if let Err(error) = stream.set_nonblocking(true) {
            self.watch.closed();
            return Err(error);
        }
        Ok(Knock::Come(mio::net::TcpStream::from_std(stream), peer))
    }

    /// Whether nobody else is let in.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// The number of the next chunk.
    pub(super) fn ticket(&self) -> u64 {
        self.ticket.fetch_add(1, Ordering::Relaxed)
    }
}

/// Whether accepting failed because of the client, or for the moment.
fn gone(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}

impl<F: Form + ?Sized> Pipe for FromTcp<F> {
    type Item = F::Owned;
    type Iter<'s>
        = TcpChunk<'s, F>
    where
        Self: 's;
    type Feed<'s>
        = TcpFeed<'s, F>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> TcpFeed<'s, F> {
        TcpFeed::new(self, cx)
    }
}

impl<F: ?Sized> fmt::Debug for FromTcp<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromTcp")
            .field("watch", &self.watch)
            .finish_non_exhaustive()
    }
}
