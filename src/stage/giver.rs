//! The producer's end of subscriptions without a stage around it: whoever has it gives events, on a thread of its own.
//!
//! It takes no more than its dispatcher was promised to consumers, so what it holds back is bounded by the demand.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use ahash::RandomState;
use crossbeam_channel::{Receiver, Select, Sender, unbounded};

use super::dispatch::{Dispatcher, Outbox};
use super::port::{Inlet, Joining, Outlet, Output};
use super::reason::{DemandMode, Ended, Reason};
use super::subscription::{StageId, Tag};

/// What consumers say.
pub(crate) enum Giving<E> {
    Subscribe(Joining<E>),
    Ask(Tag, u64),
    Cancel(Tag, Ended),
    Mode(DemandMode),
}

struct Door<E>(Sender<Giving<E>>);

impl<E: Send> Outlet<E> for Door<E> {
    // One that is gone ignores all; a subscription tells its consumer as it is dropped.
    fn subscribe(&self, joining: Joining<E>) {
        let _ = self.0.send(Giving::Subscribe(joining));
    }
    fn ask(&self, tag: Tag, n: u64) {
        let _ = self.0.send(Giving::Ask(tag, n));
    }
    fn cancel(&self, tag: Tag, ended: Ended) {
        let _ = self.0.send(Giving::Cancel(tag, ended));
    }
    fn demand(&self, mode: DemandMode) {
        let _ = self.0.send(Giving::Mode(mode));
    }
}

/// A place to subscribe to under a name, and what comes to it. Bounded as a stage's mailbox is: by a few words a subscription.
pub(crate) fn outlet<E: Send + 'static>(name: &str) -> (Output<E>, Receiver<Giving<E>>) {
    let (sender, inbox) = unbounded();
    let output = Output {
        id: StageId::new(),
        name: name.into(),
        outlet: Arc::new(Door(sender)),
    };
    (output, inbox)
}

/// A consumer that has left or was not let in, and why.
pub(crate) struct Left {
    pub(crate) consumer: StageId,
    pub(crate) reason: Reason,
}

/// Consumers, and what they are to get.
pub(crate) struct Giver<E> {
    inbox: Receiver<Giving<E>>,
    downs: HashMap<Tag, (StageId, Arc<dyn Inlet<E>>), RandomState>,
    dispatcher: Box<dyn Dispatcher<E>>,
    outbox: Outbox<E>,
    mode: DemandMode,
    /// Events that the dispatcher was promised and has not got.
    owed: u64,
    /// Events that it has given back: those asked for by consumers that are gone.
    held: VecDeque<E>,
    left: Vec<Left>,
}

impl<E> Giver<E> {
    pub(crate) fn new(
        inbox: Receiver<Giving<E>>,
        dispatcher: Box<dyn Dispatcher<E>>,
        mode: DemandMode,
    ) -> Self {
        Giver {
            inbox,
            downs: HashMap::with_hasher(RandomState::new()),
            dispatcher,
            outbox: Outbox::default(),
            mode,
            owed: 0,
            held: VecDeque::new(),
            left: Vec::new(),
        }
    }

    /// Begins; an error says what is wrong with the dispatcher's options.
    pub(crate) fn start(&mut self) -> Result<(), String> {
        self.dispatcher.start()
    }

    /// Hears what consumers have said, and gives them what is held back. An error is the dispatcher's.
    pub(crate) fn hear(&mut self) -> Result<(), String> {
        // Its sender may be gone with all who could subscribe; then there is nothing to hear.
        while let Ok(word) = self.inbox.try_recv() {
            match word {
                Giving::Subscribe(joining) => self.join(joining),
                Giving::Ask(tag, n) => {
                    if self.downs.contains_key(&tag) {
                        let demand = self.dispatcher.ask(tag, n, &mut self.outbox);
                        self.owe(demand);
                    }
                }
                Giving::Cancel(tag, ended) => self.leave(tag, ended),
                Giving::Mode(mode) => self.mode = mode,
            }
        }
        self.serve()
    }

    fn join(&mut self, joining: Joining<E>) {
        let Some(join) = joining.arrive() else {
            return;
        };
        let (tag, consumer) = (join.tag, join.wants.consumer());
        match self.dispatcher.subscribe(tag, &join.wants) {
            Ok(demand) => {
                self.downs.insert(tag, (consumer, join.inlet));
                self.owe(demand);
            }
            Err(why) => {
                let reason = Reason::Refused(why.into());
                join.inlet.ended(tag, Ended::Cancelled(reason.clone()));
                self.left.push(Left { consumer, reason });
            }
        }
    }

    fn leave(&mut self, tag: Tag, ended: Ended) {
        let Some((consumer, inlet)) = self.downs.remove(&tag) else {
            return;
        };
        let reason = ended.reason().clone();
        if matches!(ended, Ended::Cancelled(_)) {
            inlet.ended(tag, ended);
        }
        let demand = self.dispatcher.cancel(tag, &mut self.outbox);
        self.owe(demand);
        self.left.push(Left { consumer, reason });
    }

    /// New demand; sends what the dispatcher wants sent.
    fn owe(&mut self, demand: u64) {
        self.owed = self.owed.saturating_add(demand);
        loop {
            for (tag, events) in self.outbox.events.drain(..) {
                if let Some((_, inlet)) = self.downs.get(&tag) {
                    inlet.events(tag, events);
                }
            }
            // A flow has no callbacks for these, and sends no infos.
            self.outbox.infos.clear();
            self.outbox.notices.clear();
            let more = std::mem::take(&mut self.outbox.demand);
            self.owed = self.owed.saturating_add(more);
            let Some((tag, n)) = self.outbox.asks.pop() else {
                return;
            };
            let demand = self.dispatcher.ask(tag, n, &mut self.outbox);
            self.owed = self.owed.saturating_add(demand);
        }
    }

    /// Gives what is held back to those who have asked.
    fn serve(&mut self) -> Result<(), String> {
        while self.mode == DemandMode::Forward && !self.held.is_empty() {
            if self.owed == 0 {
                let drawn = self.dispatcher.draw(self.held.len() as u64);
                self.owe(drawn);
            }
            let owed = usize::try_from(self.owed).unwrap_or(usize::MAX);
            let n = owed.min(self.held.len());
            if n == 0 {
                break;
            }
            let events = self.held.drain(..n).collect();
            let rest = self.share(events)?;
            if !rest.is_empty() {
                for event in rest.into_iter().rev() {
                    self.held.push_front(event);
                }
                break;
            }
        }
        Ok(())
    }

    /// How many events it can be given now.
    pub(crate) fn room(&self) -> u64 {
        if self.mode == DemandMode::Accumulate || !self.held.is_empty() || self.downs.is_empty() {
            return 0;
        }
        self.owed
    }

    /// Gives events: no more than there is room for.
    pub(crate) fn give(&mut self, events: Vec<E>) -> Result<(), String> {
        if events.is_empty() {
            return Ok(());
        }
        let rest = self.share(events)?;
        self.held.extend(rest);
        self.serve()
    }

    fn share(&mut self, events: Vec<E>) -> Result<Vec<E>, String> {
        self.owed = self.owed.saturating_sub(events.len() as u64);
        let rest = self.dispatcher.dispatch(events, &mut self.outbox);
        self.owe(0);
        rest
    }

    /// Those who have left since it was asked last.
    pub(crate) fn left(&mut self) -> Vec<Left> {
        std::mem::take(&mut self.left)
    }

    /// Whether nobody is subscribed.
    pub(crate) fn is_alone(&self) -> bool {
        self.downs.is_empty()
    }

    /// Whether it has nothing that somebody is still to get, and holds nothing back.
    pub(crate) fn is_done(&self) -> bool {
        self.mode == DemandMode::Forward && self.held.is_empty() && !self.has_queue()
    }

    /// Whether the dispatcher has events that only a consumer's ask brings on.
    pub(crate) fn has_queue(&self) -> bool {
        self.dispatcher.queued() > 0
    }

    /// Blocks until a consumer says something, or until then.
    pub(crate) fn wait(&self, until: Instant) {
        let mut select = Select::new();
        select.recv(&self.inbox);
        // Whether it is ready or the time has passed, the next look finds out.
        let _ = select.ready_deadline(until);
    }

    /// The consumers that are to be told of the end.
    pub(crate) fn end(&mut self) -> impl Iterator<Item = (Tag, Arc<dyn Inlet<E>>)> {
        self.downs.drain().map(|(tag, (_, inlet))| (tag, inlet))
    }
}

/// Tells consumers of the end: those that were there, and those whose subscription is on its way.
pub(crate) fn tell<E>(
    mut there: HashMap<Tag, Arc<dyn Inlet<E>>, RandomState>,
    inboxes: &[Receiver<Giving<E>>],
    reason: &Reason,
) {
    for inbox in inboxes {
        while let Ok(word) = inbox.try_recv() {
            match word {
                Giving::Subscribe(joining) => {
                    if let Some(join) = joining.arrive() {
                        there.insert(join.tag, join.inlet);
                    }
                }
                Giving::Cancel(tag, ended) => {
                    if let (Some(inlet), Ended::Cancelled(_)) = (there.remove(&tag), &ended) {
                        inlet.ended(tag, ended);
                    }
                }
                Giving::Ask(..) | Giving::Mode(_) => {}
            }
        }
    }
    for (tag, inlet) in there {
        inlet.ended(tag, Ended::Down(reason.clone()));
    }
}
