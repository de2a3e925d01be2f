//! The thread of a dashboard: it looks at the runs, answers, and tells those who stay connected.
//!
//! The runtime lives on this thread alone and is dropped by it. To end it, the owner says so and waits: those who are connected get what
//! was seen last, if they take it at once, and are cut off otherwise.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc as std_mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use axum::response::sse::Event;
use tokio::net::TcpListener;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::board::Board;
use super::options::DashboardOptions;
use super::{page, routes};
use crate::error::{Error, ErrorKind};
use crate::run::lock;

/// How long those who are connected have to take what was seen last.
const PARTING: Duration = Duration::from_millis(250);
/// The shortest time from telling something to telling the next, however many runs begin and end.
const BREATH: Duration = Duration::from_millis(50);
/// How many may stay connected.
const CLIENTS: usize = 64;

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
    clients: Mutex<Option<Vec<mpsc::Sender<Event>>>>,
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
        let service = Arc::new(Service {
            board: board.clone(),
            options: options.clone(),
            clients: Mutex::new(Some(Vec::new())),
        });
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
    let (end, mut ended) = watch::channel(false);
    let app = routes::routes(service.clone());
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        // An error would say that this function has returned.
        let _ = ended.wait_for(|ended| *ended).await;
    });
    let mut server = tokio::spawn(async move { server.await });
    let mut ticks = interval(service.options.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = Instant::now();
    // How many runs had begun and ended when everybody was told.
    let mut known = None;
    loop {
        let changed = async {
            service.board.changed.notified().await;
            sleep_until(told + BREATH).await;
        };
        tokio::select! {
            _ = ticks.tick() => {}
            // Whoever comes first, what has changed is seen by the count.
            () = changed => {}
            () = stop.notified() => break,
        }
        let count = service.board.count();
        if service.board.look() || known != Some(count) {
            known = service.tell().then_some(count);
            told = Instant::now();
        }
    }
    service.board.look();
    service.tell();
    *lock(&service.clients) = None;
    let _ = end.send(true);
    if timeout(PARTING, &mut server).await.is_err() {
        server.abort();
    }
}

impl Service {
    /// Tells those who are connected how it is now; whether all of them had room for it. Who is slow misses this one, and is told all
    /// of it with the next.
    fn tell(&self) -> bool {
        let mut clients = lock(&self.clients);
        let Some(clients) = &mut *clients else {
            return true;
        };
        clients.retain(|client| !client.is_closed());
        if clients.is_empty() {
            return true;
        }
        let news = self.news();
        let told = clients.iter().map(|client| client.try_send(news.clone()));
        !told.fold(false, |full, sent| {
            full | matches!(sent, Err(TrySendError::Full(_)))
        })
    }

    fn news(&self) -> Event {
        Event::default()
            .event("flows")
            .data(page::runs(&self.board.runs()))
    }

    /// Somebody stays connected; `None` if there are too many already.
    pub(super) fn connect(&self) -> Option<mpsc::Receiver<Event>> {
        let mut clients = lock(&self.clients);
        let clients = clients.as_mut()?;
        clients.retain(|client| !client.is_closed());
        if clients.len() >= CLIENTS {
            return None;
        }
        let (sender, receiver) = mpsc::channel(2);
        let _ = sender.try_send(self.news());
        clients.push(sender);
        Some(receiver)
    }
}
