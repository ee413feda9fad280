//! Threads at the edge: over things that share no state, so that results never depend on their number.

use std::collections::VecDeque;
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

/// Jobs that the pool's threads do, and whose results come out in the order in which the jobs went in.
///
/// ```text
/// push: job 3, 2, 1 -> | worker | worker | worker | -> pop: result 1, 2, 3
/// ```
///
/// A worker is what a job needs and what takes long to make: tables, plans, memory. It does one job after the other,
/// and remembers none of them in its results, so that these do not depend on the number of threads.
pub struct InOrder<W, J, R> {
    new_worker: Box<dyn Fn() -> W + Send>,
    work: fn(&mut W, J) -> R,
    /// The oldest first.
    begun: VecDeque<Task<(W, R)>>,
    most_begun: usize,
    idle: Vec<W>,
}

impl<W, J, R> std::fmt::Debug for InOrder<W, J, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InOrder")
            .field("begun", &self.begun.len())
            .field("most_begun", &self.most_begun)
            .finish_non_exhaustive()
    }
}

impl<W: Send + 'static, J: Send + 'static, R: Send + 'static> InOrder<W, J, R> {
    /// No jobs yet. Workers are made as jobs need them.
    ///
    /// - `limit`: at most so many jobs are begun at once, which bounds the memory
    pub fn new(limit: usize, new_worker: impl Fn() -> W + Send + 'static, work: fn(&mut W, J) -> R) -> Self {
        let most_begun = tasks_in_flight(limit);
        Self { new_worker: Box::new(new_worker), work, begun: VecDeque::new(), most_begun, idle: Vec::new() }
    }

    /// True when as many jobs are begun as may be: the next one waits for a [`Self::pop`].
    pub fn is_full(&self) -> bool {
        self.begun.len() >= self.most_begun
    }

    /// Begins `job`; with one thread, does it.
    pub fn push(&mut self, job: J) {
        let mut worker = self.idle.pop().unwrap_or_else(&self.new_worker);
        let work = self.work;
        self.begun.push_back(Task::start(move || {
            let result = work(&mut worker, job);
            (worker, result)
        }));
    }

    /// Waits for the job begun first; `None` when there is none.
    ///
    /// # Panics
    /// When the job did.
    pub fn pop(&mut self) -> Option<R> {
        let (worker, result) = self.begun.pop_front()?.join();
        self.idle.push(worker);
        Some(result)
    }

    /// The workers that are doing no job: all of them once [`Self::pop`] has returned `None`.
    pub fn idle_workers(&self) -> &[W] {
        &self.idle
    }
}

/// How many [`Task`]s to keep begun: more than there are threads, so that no thread is idle while the oldest task is
/// still being done; at most `limit`; one where there is one thread.
fn tasks_in_flight(limit: usize) -> usize {
    match width(limit) {
        1 => 1,
        threads => (2 * threads).min(limit),
    }
}

/// A value that a thread of the pool computes.
struct Task<T>(State<T>);

enum State<T> {
    Done(T),
    #[cfg(feature = "parallel")]
    Begun(mpsc::Receiver<thread::Result<T>>),
}

impl<T: Send + 'static> Task<T> {
    /// Hands `work` to the pool; with one thread, does it.
    fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        #[cfg(feature = "parallel")]
        if rayon::current_num_threads() > 1 {
            let (sender, receiver) = mpsc::sync_channel(1);
            // the oldest first: a thread that joins tasks in order leaves the newer ones to the others
            rayon::spawn_fifo(move || {
                // nobody receives when the task was dropped
                let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
            });
            return Self(State::Begun(receiver));
        }
        Self(State::Done(work()))
    }

    /// Waits for the value. Meanwhile this thread does what it started and no other thread has taken.
    ///
    /// # Panics
    /// When the work did.
    fn join(self) -> T {
        match self.0 {
            State::Done(value) => value,
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
    fn results_come_in_the_order_of_the_jobs() {
        for n_threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("threads");
            let sums = pool.install(|| {
                let mut jobs = InOrder::new(8, || 1000_u64, |factor: &mut u64, i: u64| (0..=i * *factor).sum::<u64>());
                let mut sums = Vec::new();
                for i in 0..50 {
                    if jobs.is_full() {
                        sums.extend(jobs.pop());
                    }
                    jobs.push(i);
                }
                sums.extend(std::iter::from_fn(|| jobs.pop()));
                assert!(!jobs.idle_workers().is_empty() && jobs.idle_workers().len() <= 8);
                sums
            });
            let expected: Vec<u64> = (0..50).map(|i| i * 1000 * (i * 1000 + 1) / 2).collect();
            assert_eq!(sums, expected, "{n_threads} threads");
        }
    }

    #[test]
    fn a_panic_reaches_the_thread_that_joins() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
        let panicked = pool.install(|| {
            let task: Task<()> = Task::start(|| panic!("on purpose"));
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
