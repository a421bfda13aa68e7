//! The outcome of a spawned task, for the tasks that wait for it.
//!
//! Rejected alternative: tokio's `watch`, because it wakes its receivers in a random order. Calls continue in the order
//! of their arrival, and a simulation is reproducible.

use std::sync::Arc;
use tokio::sync::SetOnce;

/// The outcome of a task. Clones share it.
pub(crate) struct TaskOutcome<T>(Arc<SetOnce<Option<T>>>);

/// The end of the task, which must own it: without an outcome, its drop ends the waiting.
pub(crate) struct Publisher<T>(Arc<SetOnce<Option<T>>>);

impl<T> TaskOutcome<T> {
    /// Creates the two ends of an outcome.
    pub(crate) fn new() -> (Publisher<T>, Self) {
        let shared = Arc::new(SetOnce::new());
        (Publisher(shared.clone()), Self(shared))
    }

    /// Returns whether the task has neither an outcome nor was dropped.
    pub(crate) fn is_pending(&self) -> bool {
        !self.0.initialized()
    }

    /// Waits for the outcome. Returns `None` if the task was dropped without one, for example by the shutdown of its
    /// runtime.
    pub(crate) async fn wait(&self) -> Option<&T> {
        self.0.wait().await.as_ref()
    }
}

impl<T> Publisher<T> {
    pub(crate) fn publish(self, outcome: T) {
        // It is set only here and by the drop that follows.
        let _ = self.0.set(Some(outcome));
    }
}

impl<T> Drop for Publisher<T> {
    fn drop(&mut self) {
        let _ = self.0.set(None);
    }
}

impl<T> Clone for TaskOutcome<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::TaskOutcome;
    use std::sync::{Arc, Mutex};
    use tokio::task::{JoinSet, yield_now};

    #[tokio::test]
    async fn waiting_tasks_continue_in_their_order() {
        let (publisher, outcome) = TaskOutcome::new();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        for index in 0..20 {
            let (outcome, order) = (outcome.clone(), order.clone());
            tasks.spawn(async move {
                assert_eq!(outcome.wait().await, Some(&"done"));
                order.lock().unwrap().push(index);
            });
            yield_now().await;
        }
        assert!(outcome.is_pending());
        publisher.publish("done");
        tasks.join_all().await;
        assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_dropped_task_has_no_outcome() {
        let (publisher, outcome) = TaskOutcome::<()>::new();
        let task = tokio::spawn(async move {
            std::future::pending::<()>().await;
            publisher.publish(());
        });
        yield_now().await;
        assert!(outcome.is_pending());
        task.abort();
        assert_eq!(outcome.wait().await, None);
        assert!(!outcome.is_pending());
    }
}
