//! Several children at work at once, and their results in the order of the questions.
//!
//! What is recorded thus does not depend on which child was faster. Each worker has its own child; a file that takes
//! one down costs the others nothing.

use crossbeam_channel::bounded;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Most children: past this a disk is the limit, not the processors.
const MOST_WORKERS: usize = 4;

/// As many as the machine has processors, within bounds.
pub(super) fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST_WORKERS)
}

/// Works on all `tasks`; `take` gets every result in the order of the tasks, in this thread. Ends early with the
/// first error of either, after what came before it has been taken.
pub(super) fn in_order<T, W, R, E>(
    tasks: &[T],
    workers: usize,
    start: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, &T) -> Result<R, E> + Sync,
    mut take: impl FnMut(&T, R) -> Result<(), E>,
) -> Result<(), E>
where
    T: Sync,
    R: Send,
    E: Send,
{
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (send, results) = bounded(workers.max(1) * 2);
        for _ in 0..workers.clamp(1, tasks.len().max(1)) {
            let send = send.clone();
            let (start, work, next, stop) = (&start, &work, &next, &stop);
            scope.spawn(move || {
                let mut worker = start();
                while !stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(task) = tasks.get(index) else { return };
                    if send.send((index, work(&mut worker, task))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        // At most the tasks that are under way and those done before their turn.
        let mut waiting = BTreeMap::new();
        let mut due = 0;
        let outcome = (|| {
            for (index, result) in &results {
                waiting.insert(index, result);
                while let Some(result) = waiting.remove(&due) {
                    take(&tasks[due], result?)?;
                    due += 1;
                }
            }
            Ok(())
        })();
        stop.store(true, Ordering::Relaxed);
        // Whoever waits to hand a result over is let go.
        drop(results);
        outcome
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whoever_is_faster() {
        let tasks: Vec<u32> = (0..200).collect();
        let mut taken = Vec::new();
        let slow_now_and_then = |_: &mut (), n: &u32| {
            (0..(n % 7) * 1000).for_each(|i| {
                std::hint::black_box(i);
            });
            Ok::<u32, ()>(n * 2)
        };
        let outcome = in_order(
            &tasks,
            3,
            || (),
            slow_now_and_then,
            |n, double| {
                taken.push((*n, double));
                Ok(())
            },
        );
        assert_eq!(outcome, Ok(()));
        assert_eq!(taken, tasks.iter().map(|n| (*n, n * 2)).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_ends_the_work_after_what_came_before_it() {
        let tasks: Vec<u32> = (0..1000).collect();
        for workers in [1, 4] {
            let mut taken = 0;
            let outcome = in_order(
                &tasks,
                workers,
                || (),
                |(), n| if *n == 20 { Err("broken") } else { Ok(*n) },
                |_, _| {
                    taken += 1;
                    Ok(())
                },
            );
            assert_eq!((outcome, taken), (Err("broken"), 20));
        }
        let full =
            in_order(&tasks, 4, || (), |(), n| Ok(*n), |_, n| if n == 5 { Err("full") } else { Ok(()) });
        assert_eq!(full, Err("full"));
    }
}
