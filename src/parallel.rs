//! Threads at the edge: over things that share no state, so that results never depend on their number.

#[cfg(feature = "parallel")]
use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::mpsc,
    thread,
};

/// How many things are worth doing at once: the threads of the pool, at most `limit`; one without the feature.
pub fn width(limit: usize) -> usize {
    #[cfg(feature = "parallel")]
    let threads = rayon::current_num_threads();
    #[cfg(not(feature = "parallel"))]
    let threads = 1;
    threads.clamp(1, limit.max(1))
}

/// Runs `work` on each item, spread over the pool's threads.
pub fn for_each<T: Send>(items: &mut [T], work: impl Fn(&mut T) + Send + Sync) {
    #[cfg(feature = "parallel")]
    if items.len() > 1 {
        use rayon::prelude::*;
        items.par_iter_mut().with_max_len(1).for_each(work);
        return;
    }
    items.iter_mut().for_each(work);
}

/// What `work` makes of each item, in the items' order, spread over the pool's threads.
pub fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Send + Sync) -> Vec<R> {
    #[cfg(feature = "parallel")]
    {
        use rayon::prelude::*;
        items.par_iter().map(work).collect()
    }
    #[cfg(not(feature = "parallel"))]
    items.iter().map(work).collect()
}

/// How many [`Task`]s to keep begun: more than there are threads, so that none waits while the first to be joined is
/// still at work; at most `limit`; one where there is one thread.
pub fn tasks_in_flight(limit: usize) -> usize {
    match width(limit) {
        1 => 1,
        threads => (2 * threads).min(limit),
    }
}

/// Work on a thing of its own, done by some thread of the pool, at the latest when it is joined.
pub struct Task<T>(State<T>);

enum State<T> {
    #[cfg_attr(feature = "parallel", allow(dead_code, reason = "a pool of one thread alone has it"))]
    Done(T),
    #[cfg(feature = "parallel")]
    Begun(mpsc::Receiver<thread::Result<T>>),
}

impl<T: Send + 'static> Task<T> {
    /// Begins `work` on `item`; with one thread, does it.
    pub fn start(mut item: T, work: impl FnOnce(&mut T) + Send + 'static) -> Self {
        #[cfg(feature = "parallel")]
        if rayon::current_num_threads() > 1 {
            let (sender, receiver) = mpsc::sync_channel(1);
            // the oldest first: who joins them in order then leaves the newer to the others
            rayon::spawn_fifo(move || {
                let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut item))).map(|()| item);
                // nobody waits any more when the task was dropped
                let _ = sender.send(outcome);
            });
            return Self(State::Begun(receiver));
        }
        work(&mut item);
        Self(State::Done(item))
    }

    /// Waits for the work to be done, and helps: what this thread began and nobody took over, it does itself.
    ///
    /// # Panics
    /// When the work did.
    pub fn join(self) -> T {
        match self.0 {
            State::Done(item) => item,
            #[cfg(feature = "parallel")]
            State::Begun(receiver) => loop {
                if let Ok(outcome) = receiver.try_recv() {
                    return outcome.unwrap_or_else(|panic| resume_unwind(panic));
                }
                if rayon::yield_local() != Some(rayon::Yield::Executed) {
                    let outcome = receiver.recv().expect("a task sends its outcome");
                    return outcome.unwrap_or_else(|panic| resume_unwind(panic));
                }
            },
        }
    }
}

#[cfg(all(test, feature = "parallel"))]
mod tests {
    use super::*;

    #[test]
    fn tasks_end_in_the_order_of_their_joins() {
        for n_threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("threads");
            let sums = pool.install(|| {
                let tasks: Vec<_> = (0..50_u64).map(|i| Task::start(i, |x| *x = (0..=*x * 1000).sum())).collect();
                tasks.into_iter().map(Task::join).collect::<Vec<_>>()
            });
            let expected: Vec<u64> = (0..50).map(|i| i * 1000 * (i * 1000 + 1) / 2).collect();
            assert_eq!(sums, expected, "{n_threads} threads");
        }
    }

    #[test]
    fn a_panic_reaches_who_joins() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
        let panicked = pool.install(|| {
            let task = Task::start(1, |_| panic!("on purpose"));
            catch_unwind(AssertUnwindSafe(|| task.join())).is_err()
        });
        assert!(panicked);
    }

    #[test]
    fn more_is_begun_than_there_are_threads() {
        let begun = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("threads");
            pool.install(|| tasks_in_flight(16))
        };
        assert_eq!([1, 2, 6, 40].map(begun), [1, 4, 12, 16]);
    }
}
