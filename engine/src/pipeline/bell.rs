//! Waking a thread without a lock: a bell rung by one thread, answered by another.

use std::sync::OnceLock;
use std::thread::Thread;
use std::time::Duration;

/// Rung by any thread, waited on by the one that answers it. Rings before the wait are not lost
/// (`std::thread::park` keeps one token); a wait may also end early, so callers look again in a loop.
#[derive(Debug, Default)]
pub struct Bell {
    thread: OnceLock<Thread>,
}

impl Bell {
    /// Makes the calling thread the one this bell wakes; the first caller stays it.
    pub fn answer(&self) {
        self.thread.get_or_init(std::thread::current);
    }

    /// Wakes the answering thread; before there is one, nothing happens.
    pub fn ring(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Waits for a ring, at most `limit`.
    pub fn wait(&self, limit: Duration) {
        std::thread::park_timeout(limit);
    }
}
