//! The same work on each of many items, in blocks, by several threads. Half of a restore
//! is spent in the kernel, opening, reading and closing small files; two threads need half
//! the time.
//!
//! Few items are worked on by the calling thread alone, as are all where no thread starts.

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

fn threads(items: usize) -> usize {
    if items < WORTH_IT {
        return 1;
    }
    thread::available_parallelism().map_or(1, |count| count.get().min(MOST_THREADS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        for count in [0, 1, BLOCK, WORTH_IT - 1, WORTH_IT, 10_000] {
            let items: Vec<usize> = (0..count).collect();
            let squares = |block: &[usize]| block.iter().map(|item| item * item).collect();
            let squares: Vec<Vec<usize>> = beside(|| (), &items, &|| (), squares).1;
            let expected: Vec<usize> = (0..count).map(|item| item * item).collect();
            assert_eq!(squares.concat(), expected);
        }
    }

    #[test]
    fn progress_is_called_by_the_calling_thread() {
        let told = AtomicUsize::new(0);
        let progress = || {
            told.fetch_add(1, Ordering::Relaxed);
        };
        beside(|| (), &[0; 3 * BLOCK], &progress, |_| ());
        assert_eq!(told.into_inner(), 3);
    }

    #[test]
    fn first_runs_on_the_calling_thread_before_the_blocks() {
        for count in [3, WORTH_IT] {
            let items = vec![1; count];
            let thread = thread::current().id();
            let first = || thread::current().id() == thread;
            let (here, sums) = beside(first, &items, &|| (), |block| block.iter().sum::<usize>());
            assert!(here);
            assert_eq!(sums.iter().sum::<usize>(), count);
        }
    }
}
