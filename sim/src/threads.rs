//! A thread beside the worlds, for work that insists on threads.
//!
//! No thread can be started inside a world. But arkworks, once any crate of the build has switched its `parallel`
//! feature on, starts pools of its own for every multi-scalar multiplication, whatever pool it is called in. So
//! such work runs on a thread that was started before, outside of every world, and the world waits for it. What it
//! computes is exact, so that neither order nor number of threads can be seen in a result.

use std::sync::Once;

/// Starts the thread: rayon's global pool of this process. Called outside of worlds, before each.
pub(crate) fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
        // Whoever made a global pool earlier made it outside of worlds too.
        drop(pool);
    });
}

/// Runs `job` on the thread beside the worlds, and waits for it.
pub(crate) fn beside<T: Send>(job: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| job())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "that it is refused is what is tested")]
    fn a_world_can_have_threads_started_beside_it_only() {
        crate::world::run(1, || {
            Box::pin(async {
                let start = || std::thread::spawn(|| 7).join().ok();
                assert!(std::panic::catch_unwind(start).is_err(), "a world can start threads");
                assert_eq!(beside(start), Some(7));
                let ids = || rayon::join(|| std::thread::current().id(), || std::thread::current().id());
                let (one, other) = beside(ids);
                assert_eq!(one, other, "one thread is enough for all");
                assert_ne!(one, std::thread::current().id());
            })
        });
    }
}
