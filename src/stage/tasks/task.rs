//! One task: its name, what it is told, and its thread.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::Sender;

use crate::error::{BoxError, Error, ErrorKind};
use crate::run::StopToken;

/// The name of a task, unique in its [`ConsumerSupervisor`](super::ConsumerSupervisor); a restart keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub(super) u64);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a task knows of itself. Threads cannot be killed: a task that may run long looks now and then whether it is to
/// stop.
#[derive(Debug, Clone)]
pub struct Task {
    id: TaskId,
    token: StopToken,
}

impl Task {
    pub(super) fn new(id: TaskId) -> Self {
        Task {
            id,
            token: StopToken::new(),
        }
    }

    /// Its name.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Whether it is to return soon: it was terminated, or its supervisor ends.
    pub fn is_stopped(&self) -> bool {
        self.token.is_stopped()
    }

    /// The token that says so, for a flow that the task runs.
    pub fn stop_token(&self) -> &StopToken {
        &self.token
    }

    pub(super) fn stop(&self) {
        self.token.stop();
    }
}

/// What is done with an event.
pub(super) type Run<E> = Arc<dyn Fn(&E, &Task) -> Result<(), BoxError> + Send + Sync>;

/// What is left of a task that has returned: of one that failed, its event too.
pub(super) struct Finished<E> {
    pub(super) id: TaskId,
    pub(super) failed: Option<(E, Error)>,
}

/// Starts a task. `told` is called when what is left of it is in the channel.
pub(super) fn spawn<E: Send + 'static>(
    name: String,
    task: Task,
    event: E,
    run: Run<E>,
    finished: Sender<Finished<E>>,
    told: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, Error> {
    let work = move || {
        let outcome = match catch_unwind(AssertUnwindSafe(|| run(&event, &task))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Error::wrap(ErrorKind::Stage, error)),
            Err(payload) => Err(Error::panicked(payload)),
        };
        let failed = match outcome {
            Ok(()) => {
                // The task is done, whatever its event does when it is dropped.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(event)));
                None
            }
            Err(error) => Some((event, error)),
        };
        // The supervisor waits for its tasks, so it is there.
        let _ = finished.send(Finished {
            id: task.id,
            failed,
        });
        told();
    };
    thread::Builder::new()
        .name(name)
        .spawn(work)
        .map_err(|error| {
            let message = format!("cannot start a thread for a task: {error}");
            Error::new(ErrorKind::Spawn, message)
        })
}
