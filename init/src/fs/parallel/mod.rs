//! The same work on each of many items, in blocks, by several threads. Half of a restore
//! is spent in the kernel, opening, reading and closing small files; two threads need half
//! the time.
//!
//! On one processor a restore of 10,000 took 13.5 µs an account, on two 9.8, systemd-sysusers
//! 9.7 in the same run (bar in docs/benchmarks.md: ahead of it).
//!
//! Few items are worked on by the calling thread alone, as are all where no thread starts.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The number of items in a block.
const BLOCK: usize = 64;
/// Fewer items are done before another thread has started.
const WORTH_IT: usize = 4 * BLOCK;
/// More threads than this wait for each other in the kernel.
const MOST_THREADS: usize = 4;

/// Returns the result of `first`, and that of `work` for each block of the items, in their
/// order. `first` runs on the calling thread before it takes blocks, and `progress` is
/// called after each block done there.
pub(crate) fn beside<'i, A, T: Sync, R: Send>(
    first: impl FnOnce() -> A,
    items: &'i [T],
    progress: &(dyn Fn() + Sync),
    work: impl Fn(&'i [T]) -> R + Sync,
) -> (A, Vec<R>) {
    let blocks: Vec<&[T]> = items.chunks(BLOCK).collect();
    let next = AtomicUsize::new(0);
    let take = || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        blocks.get(number).map(|block| (number, work(block)))
    };
    let (first, mut done) = thread::scope(|scope| {
        let others: Vec<_> = (1..threads(items.len()))
            .map_while(|_| {
                let there = || std::iter::from_fn(take).collect::<Vec<_>>();
                thread::Builder::new().spawn_scoped(scope, there).ok()
            })
            .collect();
        let first = first();
        let here = std::iter::from_fn(take).inspect(|_| progress());
        let mut done: Vec<(usize, R)> = here.collect();
        // A panic ends the process, so each ends well.
        let theirs = others.into_iter().filter_map(|other| other.join().ok());
        done.extend(theirs.flatten());
        (first, done)
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    let results = done.into_iter().map(|(_, result)| result).collect();
    (first, results)
}

/// Two pieces of work at once, where there are many items: `there` by a thread of its own.
/// `applied.json`, put together when all else was done, was a tenth of a restore of 100,000.
pub(crate) fn both<A, B: Send>(
    items: usize,
    here: impl FnOnce() -> A,
    there: impl Fn() -> B + Sync,
) -> (A, B) {
    let there = &there;
    thread::scope(|scope| {
        let start = || thread::Builder::new().spawn_scoped(scope, there).ok();
        let other = (threads(items) > 1).then(start).flatten();
        let here = here();
        let done = other.and_then(|other| other.join().ok());
        (here, done.unwrap_or_else(there))
    })
}

fn threads(items: usize) -> usize {
    if items < WORTH_IT {
        return 1;
    }
    thread::available_parallelism().map_or(1, |count| count.get().min(MOST_THREADS))
}
