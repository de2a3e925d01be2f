//! The thread of a dashboard: it looks at the runs, answers, and tells those who stay connected.
//!
//! The runtime lives on this thread alone and is dropped by it. To end it, the owner says so and waits: those who are connected get what
//! was seen last, if they take it at once, and are cut off otherwise. All who stay are told the same bytes, and of those nobody has more
//! than a few waiting.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc as std_mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use axum::body::Bytes;
use tokio::net::TcpListener;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::board::Board;
use super::connections::{Connections, Seat};
use super::options::DashboardOptions;
use super::{page, routes};
use crate::error::{Error, ErrorKind};
use crate::run::lock;

/// How long those who are connected have to take what was seen last.
const PARTING: Duration = Duration::from_millis(250);
/// The shortest time from telling something to telling the next, however many runs begin and end.
const BREATH: Duration = Duration::from_millis(50);
/// How long it is until those are told again who were slow.
const AGAIN: Duration = Duration::from_secs(1);
/// After so much silence those who stay are sent a sign of life: who is gone without a word is found by it.
const SILENCE: Duration = Duration::from_secs(15);
/// How long nobody is let in when the system has no more connections to give.
const EXHAUSTED: Duration = Duration::from_millis(250);

/// A running server.
pub(super) struct Server {
    address: SocketAddr,
    board: Arc<Board>,
    stop: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

/// What the answers are made of.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) board: Arc<Board>,
    pub(super) options: DashboardOptions,
    /// Those who stay connected; `None` when there is nothing more to tell.
    clients: Mutex<Option<Vec<Client>>>,
}

/// Somebody who stays connected.
#[derive(Debug)]
struct Client {
    news: mpsc::Sender<Bytes>,
    seat: Seat,
}

impl Server {
    /// Listens, and answers from then on.
    pub(super) fn start(options: &DashboardOptions) -> Result<Self, Error> {
        let listener = options.listen()?;
        let refused = |error: std::io::Error| {
            let message = format!("the dashboard cannot be served: {error}");
            Error::new(ErrorKind::Io, message).because(Box::new(error))
        };
        let address = listener.local_addr().map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let board = Arc::new(Board::new(options.every, options.keep));
        let stop = Arc::new(Notify::new());
        let service = Arc::new(Service::new(board.clone(), options.clone()));
        let (ready, begun) = std_mpsc::sync_channel(1);
        let until = stop.clone();
        let thread = Builder::new()
            .name("flow:dashboard".to_owned())
            .spawn(move || live(listener, service, &until, &ready))
            .map_err(|error| {
                let message = format!("cannot start the thread of the dashboard: {error}");
                Error::new(ErrorKind::Spawn, message).because(Box::new(error))
            })?;
        let server = Server {
            address,
            board,
            stop,
            thread: Some(thread),
        };
        match begun.recv() {
            Ok(begun) => begun.map_err(refused)?,
            Err(gone) => return Err(refused(std::io::Error::other(gone))),
        }
        Ok(server)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn board(&self) -> &Arc<Board> {
        &self.board
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            // What panics in there is a task, which the runtime catches.
            let _ = thread.join();
        }
    }
}

/// The life of the thread.
fn live(
    listener: std::net::TcpListener,
    service: Arc<Service>,
    stop: &Notify,
    ready: &std_mpsc::SyncSender<std::io::Result<()>>,
) {
    let made = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build();
    let runtime = match made {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    runtime.block_on(async {
        match TcpListener::from_std(listener) {
            Ok(listener) => {
                let _ = ready.send(Ok(()));
                serve(listener, service, stop).await;
            }
            Err(error) => {
                let _ = ready.send(Err(error));
            }
        }
    });
}

/// Serves until it is told to stop.
async fn serve(listener: TcpListener, service: Arc<Service>, stop: &Notify) {
    let app = routes::routes(service.clone());
    let mut connections = Connections::new(app, service.options.limits);
    let mut ticks = interval(service.options.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = Instant::now();
    // How many runs had begun and ended when everybody was told.
    let mut known = None;
    // When to look before the next tick, because something has changed or somebody was slow.
    let mut due = None;
    loop {
        tokio::select! {
            came = listener.accept() => {
                match came {
                    Ok((stream, _)) => connections.admit(stream),
                    // Somebody was gone before being let in.
                    Err(error) if is_theirs(&error) => {}
                    Err(_) => tokio::select! {
                        () = sleep(EXHAUSTED) => {}
                        () = stop.notified() => break,
                    },
                }
                continue;
            }
            _ = ticks.tick() => {}
            // Whoever comes first, what has changed is seen by the count.
            () = service.board.changed.notified() => {
                due = Some(told + BREATH);
                continue;
            }
            () = sleep_until(due.unwrap_or(told)), if due.is_some() => {}
            () = sleep_until(told + SILENCE) => {
                service.give(&Bytes::from_static(b":\n\n"));
                told = Instant::now();
                continue;
            }
            () = stop.notified() => break,
        }
        let count = service.board.count();
        due = None;
        if service.board.look() || known != Some(count) {
            let all = service.tell();
            told = Instant::now();
            known = all.then_some(count);
            due = (!all).then(|| told + AGAIN);
        }
    }
    drop(listener);
    service.board.look();
    service.tell();
    *lock(&service.clients) = None;
    connections.end(PARTING).await;
}

/// Whether a connection failed because of its other end.
fn is_theirs(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

impl Service {
    pub(super) fn new(board: Arc<Board>, options: DashboardOptions) -> Self {
        Service {
            board,
            options,
            clients: Mutex::new(Some(Vec::new())),
        }
    }

    /// Tells those who are connected how it is now; whether all of them had room for it. Who is slow misses this one, and is told all
    /// of it with the next.
    fn tell(&self) -> bool {
        let nobody = lock(&self.clients).as_ref().is_none_or(Vec::is_empty);
        nobody || self.give(&self.news())
    }

    /// Gives the same to all who are connected; whether they had room for it.
    pub(super) fn give(&self, bytes: &Bytes) -> bool {
        let mut clients = lock(&self.clients);
        let Some(clients) = &mut *clients else {
            return true;
        };
        clients.retain(|client| !client.news.is_closed());
        let told = clients.iter();
        let told = told.map(|client| client.news.try_send(bytes.clone()));
        !told.fold(false, |full, sent| {
            full | matches!(sent, Err(TrySendError::Full(_)))
        })
    }

    /// How it is now, as an event of a stream.
    fn news(&self) -> Bytes {
        let page = page::runs(&self.board.runs());
        // An end of a line would be the end of the event.
        let line = page.replace(['\n', '\r'], " ");
        Bytes::from(format!("event: flows\ndata: {line}\n\n"))
    }

    /// Somebody stays connected; `None` if there are too many already, all of whom take what they are told.
    pub(super) fn connect(&self, seat: Seat) -> Option<mpsc::Receiver<Bytes>> {
        let news = self.news();
        let mut clients = lock(&self.clients);
        let clients = clients.as_mut()?;
        clients.retain(|client| !client.news.is_closed());
        if clients.len() >= self.options.limits.staying {
            // Who has not taken what there was goes first.
            let behind = clients
                .iter()
                .position(|client| client.news.capacity() == 0);
            clients.remove(behind?).seat.keep(false);
        }
        let (sender, receiver) = mpsc::channel(2);
        let _ = sender.try_send(news);
        seat.keep(true);
        clients.push(Client { news: sender, seat });
        Some(receiver)
    }
}
