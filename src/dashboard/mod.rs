//! A page in the browser that shows flows while they run (feature `dashboard`).
//!
//! - `options.rs`: where it listens, and who may ask
//! - `board.rs`: the runs, what was seen of them last, and what they did since the look before
//! - `server.rs`, `routes.rs`: one thread, which looks at the runs, answers, and tells those who stay connected
//! - `connections.rs`, `patience.rs`: who is connected, how many there may be, and how long each may take
//! - `page.rs`, `style.css`, `script.js`: the page; `json.rs`: the same for programs
//!
//! A dashboard is a watcher ([`Watch`]) that reads counters: workers do nothing for it. It answers and never obeys: nothing that is sent to
//! it changes a flow. Its thread ends with it, whoever is still connected.

mod board;
mod connections;
#[cfg(test)]
mod crowd;
mod json;
mod options;
mod page;
mod patience;
mod routes;
mod server;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};

pub use options::DashboardOptions;

use board::Board;
use server::Server;

use crate::error::Error;
use crate::run::{Watch, Watched, Watcher, Watching, lock};
use crate::stage::Graph;

/// A page in the browser that shows flows while they run (feature `dashboard`): each as a graph of its stages, with the rate of each,
/// where its time goes, how full the edges are, what is rejected, and the last three minutes as a curve. Flows that have ended stay on it,
/// the latest sixteen unless [told otherwise](DashboardOptions::keep).
///
/// [`Flow::show_on`](crate::Flow::show_on) puts a flow on it. [`Flow::dashboard`](crate::Flow::dashboard) is the short form, a
/// page for one run. [`show_stages`](Dashboard::show_stages) puts demand-driven stages on it.
///
/// The page changes as the flows do and needs nothing from elsewhere. It is read-only, and for the programs of this machine alone unless
/// [told otherwise](DashboardOptions::anywhere).
///
/// # For programs
/// `GET /api/flows` gives an object with one field, `flows`: an array, the latest run first. Numbers are since the start of
/// the run, `now` is the time between the last two looks, shares are parts of the workers' lives from 0 to 1, times are in
/// seconds. Names stay as they are; there may be more.
///
/// | of | fields |
/// |---|---|
/// | a flow | `number`, `name` (or null), `kind` (`flow`, `stages`), `state` (`running`, `done`, `failed`, `stopped`), `error` (or null), `elapsed`, `stages`, `edges` |
/// | a stage | `id`, `name`, `threads`, `state` (`busy`, `starved`, `blocked`, `ended`), `items_in`, `items_out`, `batches_in`, `batches_out`, `bytes_in`, `bytes_out`, `late`, `retried`, `panics`, `keys`, `rejected` (an object, by rule), `busy`, `starved`, `blocked`, `now` |
/// | `now` of a stage | `rate` (items a second), `busy`, `starved`, `blocked` |
/// | an edge | `id`, `from` (an array), `to`, `capacity`, `fill`, `high_water`, `unit` of these three (`batches`; between stages `events`) |
///
/// # Cost
/// One thread, which reads the counters once a second. It writes pages only for those who look. At most 128 are connected at once, of whom
/// 64 may stay to see changes; when there is no room the oldest of the others goes. A request that does not come, and an answer that
/// is not taken, end their connection after ten seconds. Dropping it waits for a quarter of a second at most for those who are slow.
///
/// # Examples
/// ```
/// use millstream::{Dashboard, Flow};
///
/// let dashboard = Dashboard::bind("127.0.0.1:0")?;
/// println!("see {}", dashboard.url());
/// let sum = Flow::from_range(0..1000u64).flow_name("sum").show_on(&dashboard).sum::<u64>()?;
/// assert_eq!(sum, 499_500);
/// # Ok::<(), millstream::Error>(())
/// ```
#[must_use = "the page is gone when the dashboard is dropped"]
pub struct Dashboard(Server);

impl Dashboard {
    /// Serves the page at an address, such as `127.0.0.1:8080`; with port 0 the system chooses one, which
    /// [`url`](Dashboard::url) says.
    ///
    /// # Errors
    /// [`ErrorKind::Option`](crate::ErrorKind::Option) for an address that others can reach, unless the options say
    /// [`anywhere`](DashboardOptions::anywhere); [`ErrorKind::Io`](crate::ErrorKind::Io) if the system does not let it listen there;
    /// [`ErrorKind::Spawn`](crate::ErrorKind::Spawn) if there is no thread to be had.
    pub fn bind(at: impl Into<DashboardOptions>) -> Result<Self, Error> {
        Server::start(&at.into()).map(Dashboard)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// What to open in a browser of this machine.
    pub fn url(&self) -> String {
        let mut at = self.address();
        if at.ip().is_unspecified() {
            at.set_ip(match at.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{at}/")
    }

    /// Puts demand-driven stages on it, as they are looked at together: those that are in the graph, and those that come. They stay among
    /// what goes on for as long as one of them runs or somebody has the graph, and then among what has ended.
    ///
    /// A stage is busy in its callbacks, starved while nothing comes for it, and blocked while nobody asks for what it has or could make.
    ///
    /// # Examples
    /// ```
    /// use millstream::Dashboard;
    /// use millstream::stage::{self, Graph, Subscription};
    ///
    /// let dashboard = Dashboard::bind("127.0.0.1:0")?;
    /// let graph = Graph::new("sum");
    /// dashboard.show_stages(&graph);
    /// let numbers = stage::from_iter(1..=100u64).name("numbers").graph(&graph).start()?;
    /// let print = stage::for_each(|n: u64| assert!(n <= 100)).name("print").graph(&graph);
    /// print.subscribe_to(&numbers, Subscription::new()).start()?.join()?;
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn show_stages(&self, graph: &Graph) {
        self.0.board().show(graph);
    }

    /// What puts a flow on it.
    pub(crate) fn watcher(&self) -> impl Watch + 'static {
        Shown(self.0.board().clone())
    }
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dashboard")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

/// Puts runs on a board.
struct Shown(Arc<Board>);

impl Watch for Shown {
    fn begin(&self, run: &Watched) -> Box<dyn Watching> {
        self.0.begin(run);
        let (board, number) = (self.0.clone(), run.number());
        Box::new(move |outcome: Result<(), &Error>| board.end(number, outcome))
    }
}

/// A dashboard that lives as long as one run.
pub(crate) struct Own {
    options: DashboardOptions,
    /// From the moment when the run is ready to the one when it begins.
    made: Mutex<Option<Dashboard>>,
}

impl Own {
    /// A watcher without which the run does not start.
    pub(crate) fn watcher(options: DashboardOptions) -> Watcher {
        let own = Arc::new(Own {
            options,
            made: Mutex::default(),
        });
        let ready = own.clone();
        Watcher::with(own, move || {
            *lock(&ready.made) = Some(Dashboard::bind(ready.options.clone())?);
            Ok(())
        })
    }
}

impl Watch for Own {
    fn begin(&self, run: &Watched) -> Box<dyn Watching> {
        let Some(dashboard) = lock(&self.made).take() else {
            return Box::new(|_: Result<(), &Error>| ());
        };
        let watching = dashboard.watcher().begin(run);
        Box::new(move |outcome: Result<(), &Error>| {
            watching.end(outcome);
            drop(dashboard);
        })
    }
}
