//! Threads that sound waits for go before the machine's other work.
//!
//! On Linux a new thread inherits the niceness of the one that starts it, so the callers raise their own for as long as
//! they open streams: the callbacks themselves make no system call. Where this user may not do so, and on other systems,
//! nothing changes; cards then want larger blocks on a busy machine.

/// While this lives, threads started by this thread are as urgent as the user may make them.
#[derive(Debug)]
pub(super) struct Urgent {
    #[cfg(target_os = "linux")]
    ordinary: Option<i32>,
}

#[cfg(target_os = "linux")]
mod linux {
    use rustix::process::{getpriority_process, setpriority_process};

    use super::Urgent;

    /// What sound servers give their own threads.
    const URGENT_NICENESS: i32 = -11;

    impl Urgent {
        /// The calling thread takes the least niceness it may have, down to that of a sound server.
        pub fn begin() -> Self {
            // Process 0 stands for the calling thread, here as in setpriority(2).
            let ordinary = getpriority_process(None).ok();
            let least = |ordinary: &i32| (URGENT_NICENESS..*ordinary).any(|n| setpriority_process(None, n).is_ok());
            Self { ordinary: ordinary.filter(least) }
        }
    }

    impl Drop for Urgent {
        fn drop(&mut self) {
            if let Some(ordinary) = self.ordinary {
                // To become less urgent is always allowed.
                let _ = setpriority_process(None, ordinary);
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn niceness() -> i32 {
            getpriority_process(None).expect("the calling thread has one")
        }

        #[test]
        fn threads_started_meanwhile_are_urgent_and_later_ones_are_not() {
            let before = niceness();
            let urgent = Urgent::begin();
            let within = niceness();
            let started = std::thread::spawn(niceness);
            drop(urgent);
            assert_eq!(niceness(), before);
            assert_eq!(started.join().expect("no panic"), within);
            match setpriority_process(None, before) {
                // The test itself may have been started urgent.
                Ok(()) if before > URGENT_NICENESS && may_hurry(before) => assert_eq!(within, URGENT_NICENESS),
                _ => assert!(within <= before),
            }
        }

        /// Whether this user may raise priorities; leaves the niceness as it was.
        fn may_hurry(before: i32) -> bool {
            let may = setpriority_process(None, URGENT_NICENESS).is_ok();
            may && setpriority_process(None, before).is_ok()
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Urgent {
    /// Does nothing here: the sound system looks after its threads.
    pub fn begin() -> Self {
        Self {}
    }
}
