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

#[test]
fn both_pieces_of_work_are_done() {
    for count in [1, WORTH_IT] {
        let thread = thread::current().id();
        let (here, there) = both(
            count,
            || thread::current().id() == thread,
            || thread::current().id() == thread,
        );
        assert_eq!((here, there), (true, count < WORTH_IT));
    }
}
