//! Threads at the edge: over things that share no state, so that results never depend on their number.

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
