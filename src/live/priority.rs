//! Threads that sound waits for go before the machine's other work.
//!
//! On Linux a new thread inherits the scheduling of the one that starts it. Streams are therefore opened on a thread
//! that has been raised: the callbacks, and whatever threads the sound library starts, are raised with it and make no
//! system call themselves. Where this user may, they are real-time threads (round robin, [`REAL_TIME`]); else their
//! niceness is that of a sound server; else, and on other systems, nothing changes, and cards want larger blocks on a
//! busy machine.
//!
//! A real-time thread that never rests would stop everything below it. Callbacks copy a block and wait; the thread that
//! quantizes can be given more than it can do, so it keeps a [`Load`] and steps down while it is overworked.

use std::{
    panic::resume_unwind,
    thread,
    time::{Duration, Instant},
};

/// Runs `work` on a thread that is as urgent as the user may make it; so are the threads that `work` starts.
pub(super) fn urgently<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            raise_priority();
            work()
        });
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

#[cfg(target_os = "linux")]
mod linux {
    use rustix::process::{getpriority_process, setpriority_process};
    use thread_priority::{
        NormalThreadSchedulePolicy::Other, RealtimeThreadSchedulePolicy::RoundRobin, ThreadPriority,
        ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id, thread_schedule_policy,
    };

    /// Below that of every sound server (PulseAudio 5, JACK 10, PipeWire 88): they must be able to take what we give.
    pub(super) const REAL_TIME: u8 = 4;

    /// What sound servers give their threads where they may not have real time.
    pub(super) const URGENT_NICENESS: i32 = -11;

    /// Makes the calling thread as urgent as this user may; one that is real-time already, or was told to be idle, stays.
    pub(crate) fn raise_priority() {
        if thread_schedule_policy().ok() != Some(ThreadSchedulePolicy::Normal(Other)) {
            return;
        }
        let is_real_time = (1..=REAL_TIME).rev().any(|priority| {
            let policy = ThreadSchedulePolicy::Realtime(RoundRobin);
            ThreadPriority::try_from(priority)
                .is_ok_and(|priority| set_thread_priority_and_policy(thread_native_id(), priority, policy).is_ok())
        });
        if !is_real_time && let Ok(ordinary) = getpriority_process(None) {
            // Process 0 stands for the calling thread, here as in setpriority(2).
            let _ = (URGENT_NICENESS..ordinary).any(|niceness| setpriority_process(None, niceness).is_ok());
        }
    }

    /// Takes back what [`raise_priority`] gave, so far as others would starve of it: real time.
    pub(crate) fn lower_priority() {
        let Ok(ordinary) = getpriority_process(None) else { return };
        // With the policy goes a niceness; the least is refused (the policy is changed by then) or put back. The greatest
        // could be had and never given back.
        let policy = ThreadSchedulePolicy::Normal(Other);
        let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Max, policy);
        let _ = setpriority_process(None, ordinary);
    }
}

#[cfg(target_os = "linux")]
pub(super) use linux::{lower_priority, raise_priority};

/// Does nothing here: the sound system looks after its threads.
#[cfg(not(target_os = "linux"))]
pub(super) fn raise_priority() {}

/// Does nothing here.
#[cfg(not(target_os = "linux"))]
pub(super) fn lower_priority() {}

/// Time over which work is weighed.
const SPAN: Duration = Duration::from_secs(1);
/// Share of it above which a thread has no business to be real-time.
const OVERWORKED: f64 = 0.8;
/// Share below which it may be again.
const AT_EASE: f64 = 0.4;

/// What a thread should do about its urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advice {
    /// Step down: it has been at work for most of a second.
    Lower,
    /// The work has become less.
    Raise,
}

/// How much of its time a thread is at work.
#[derive(Debug)]
pub(super) struct Load {
    since: Instant,
    busy: Duration,
    is_overworked: bool,
}

impl Load {
    /// From `now` on.
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, busy: Duration::ZERO, is_overworked: false }
    }

    /// Notes a piece of work; advises once when the load has changed.
    pub(super) fn note(&mut self, began: Instant, ended: Instant) -> Option<Advice> {
        self.busy += ended - began;
        let span = ended - self.since;
        if span < SPAN {
            return None;
        }
        let share = self.busy.as_secs_f64() / span.as_secs_f64();
        (self.since, self.busy) = (ended, Duration::ZERO);
        let is_overworked = share > if self.is_overworked { AT_EASE } else { OVERWORKED };
        let was_overworked = std::mem::replace(&mut self.is_overworked, is_overworked);
        match (was_overworked, is_overworked) {
            (false, true) => Some(Advice::Lower),
            (true, false) => Some(Advice::Raise),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_overwork_steps_down_and_a_second_of_ease_up_again() {
        let start = Instant::now();
        let mut load = Load::new(start);
        // Rounds of 10 ms: so many per cent of them at work.
        let mut advice = Vec::new();
        for (second, percent) in [30, 79, 95, 99, 60, 45, 30, 70].into_iter().enumerate() {
            for round in 0..100 {
                let began = start + Duration::from_millis(1_000 * second as u64 + 10 * round);
                let ended = began + Duration::from_micros(100 * percent);
                advice.extend(load.note(began, ended).map(|advice| (second, advice)));
            }
        }
        // A span ends with the first round after its second.
        assert_eq!(advice, [(3, Advice::Lower), (7, Advice::Raise)]);
    }

    #[test]
    #[should_panic(expected = "as it was")]
    fn a_panic_of_the_work_is_the_callers() {
        urgently(|| panic!("as it was"));
    }
}

#[cfg(all(test, target_os = "linux"))]
mod linux_tests {
    use rustix::process::{getpriority_process, setpriority_process};
    use thread_priority::{
        RealtimeThreadSchedulePolicy::RoundRobin, ThreadPriority, ThreadSchedulePolicy, thread_native_id,
        thread_schedule_policy_param,
    };

    use super::{linux::*, *};

    /// Policy, real-time priority and niceness of the calling thread.
    type Rank = (ThreadSchedulePolicy, i32, i32);

    fn rank() -> Rank {
        let (policy, parameters) = thread_schedule_policy_param(thread_native_id()).expect("it has one");
        (policy, parameters.sched_priority, getpriority_process(None).expect("it has one"))
    }

    fn is_ordinary((policy, ..): &Rank) -> bool {
        matches!(policy, ThreadSchedulePolicy::Normal(_))
    }

    /// What this user may do, found out on a thread of its own.
    fn may(what: impl FnOnce() -> bool + Send + 'static) -> bool {
        thread::spawn(what).join().expect("no panic")
    }

    fn may_be_real_time() -> bool {
        may(|| {
            let priority = ThreadPriority::try_from(REAL_TIME).expect("below 100");
            let policy = ThreadSchedulePolicy::Realtime(RoundRobin);
            thread_priority::set_thread_priority_and_policy(thread_native_id(), priority, policy).is_ok()
        })
    }

    #[test]
    fn threads_started_meanwhile_are_urgent_and_later_ones_are_not() {
        let before = rank();
        if !is_ordinary(&before) {
            return eprintln!("skipped: the test itself was started with a rank");
        }
        let (within, started) = urgently(|| (rank(), thread::spawn(rank).join().expect("no panic")));
        assert_eq!(started, within, "threads inherit it");
        assert_eq!(rank(), before, "the caller is left alone");
        assert_eq!(thread::spawn(rank).join().expect("no panic"), before);
        if may_be_real_time() {
            let real_time = (ThreadSchedulePolicy::Realtime(RoundRobin), i32::from(REAL_TIME), before.2);
            assert_eq!(within, real_time);
        } else if may(|| setpriority_process(None, URGENT_NICENESS).is_ok()) {
            assert_eq!(within, (before.0, 0, before.2.min(URGENT_NICENESS)));
        } else {
            assert!(within.2 <= before.2);
        }
    }

    #[test]
    fn what_was_taken_is_given_back() {
        let before = rank();
        let (raised, after, again) = urgently(|| {
            let raised = rank();
            lower_priority();
            let after = rank();
            raise_priority();
            (raised, after, rank())
        });
        assert!(is_ordinary(&after) || !is_ordinary(&before), "{after:?}");
        assert_eq!(after.2, raised.2, "its niceness stays");
        assert_eq!(again, raised);
    }
}
