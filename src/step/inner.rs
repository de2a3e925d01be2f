//! What most feeds say of waiting: what the feed inside of them says, since they hold nothing back themselves.

/// These methods of a [`Feed`](super::Feed) by its field `feed`.
macro_rules! waits_as_inner {
    () => {
        fn wait(&mut self, until: Option<std::time::Instant>) {
            self.feed.wait(until);
        }

        fn slow(&self) -> bool {
            self.feed.slow()
        }

        fn timer(&self) -> Option<std::time::Instant> {
            self.feed.timer()
        }
    };
}
pub(crate) use waits_as_inner;
