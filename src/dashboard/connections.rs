//! Who is connected: how many there are at once, and how long each may take.
//!
//! Whoever comes is let in. There are never more connections than the limit: when there is no room, the oldest of those that do not stay
//! to be told goes, whatever it was about. So memory is bounded, and nobody who says nothing or reads nothing keeps others out. A request
//! that does not come, and an answer that is not taken, end their connection after a time.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::options::Limits;
use super::patience::Patience;

/// What a connection keeps of a request's head, and of an answer before it is sent.
const BUFFER: usize = 16 * 1024;

/// All connections.
pub(super) struct Connections {
    app: Router,
    limits: Limits,
    tasks: JoinSet<()>,
    /// From the oldest to the latest.
    open: VecDeque<(Seat, AbortHandle)>,
    /// When it becomes true, whoever is connected gets the rest of the answer, and that is all.
    ended: watch::Sender<bool>,
}

/// The place of one connection. It is taken for good as long as somebody stays to be told.
#[derive(Debug, Clone, Default)]
pub(super) struct Seat(Arc<AtomicBool>);

impl Seat {
    /// Whether the connection is kept when there is no room.
    pub(super) fn keep(&self, kept: bool) {
        self.0.store(kept, Ordering::Relaxed);
    }

    pub(super) fn is_kept(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Connections {
    pub(super) fn new(app: Router, limits: Limits) -> Self {
        Connections {
            app,
            limits,
            tasks: JoinSet::new(),
            open: VecDeque::new(),
            ended: watch::Sender::new(false),
        }
    }

    /// Lets somebody in.
    pub(super) fn admit(&mut self, stream: TcpStream) {
        // What has ended is let go.
        while self.tasks.try_join_next().is_some() {}
        self.open.retain(|(_, task)| !task.is_finished());
        if self.open.len() >= self.limits.connections {
            self.send_away();
        }
        let seat = Seat::default();
        let serving = serve(
            stream,
            self.app.clone(),
            seat.clone(),
            self.limits,
            self.ended.subscribe(),
        );
        let task = self.tasks.spawn(serving);
        self.open.push_back((seat, task));
    }

    /// Ends the oldest that does not stay.
    fn send_away(&mut self) {
        let oldest = self.open.iter().position(|(seat, _)| !seat.is_kept());
        if let Some((_, task)) = oldest.and_then(|at| self.open.remove(at)) {
            task.abort();
        }
    }

    /// Gives all of them this time to take what is theirs, and ends them.
    pub(super) async fn end(mut self, time: Duration) {
        self.ended.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // Those who are left are ended with the set.
        let _ = timeout(time, all).await;
    }
}

/// Serves one connection to its end.
async fn serve(
    stream: TcpStream,
    app: Router,
    seat: Seat,
    limits: Limits,
    mut ended: watch::Receiver<bool>,
) {
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(seat.clone());
        app.call(request)
    });
    let stream = TokioIo::new(Patience::new(stream, limits.taking));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.asking)
            .max_buf_size(BUFFER)
            .serve_connection(stream, service)
    );
    let ended = async {
        // An error would say that whoever ends this is gone, which ends it too.
        let _ = ended.wait_for(|ended| *ended).await;
    };
    // How a connection ends is the client's affair: there is nobody to tell.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = ended => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
