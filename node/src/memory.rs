//! How the C library's allocator treats memory that was freed (docs/adr/0008).

/// Keeps the memory of shards and segments for the next shard or segment: by default most of it goes back
/// to the system at once, and a page fault a page brings it again. Does nothing where the allocator is not that
/// of the GNU C library. Called first thing in a program, while it has one thread.
pub fn keep_what_is_used_again() {
    #[cfg(target_env = "gnu")]
    gnu::configure();
}

#[cfg(target_env = "gnu")]
mod gnu {
    /// Memory that stays with the process at the end of each arena, in bytes.
    const KEEP: i32 = 32 << 20;
    /// Allocations of this size and more, in bytes, are taken from the system one by one and given back.
    const MAP: i32 = 16 << 20;
    /// Arenas that threads share.
    const ARENAS: i32 = 4;

    pub(super) fn configure() {
        for (parameter, value) in
            [(libc::M_TRIM_THRESHOLD, KEEP), (libc::M_MMAP_THRESHOLD, MAP), (libc::M_ARENA_MAX, ARENAS)]
        {
            // SAFETY: mallopt(3) takes two integers and only sets parameters of the allocator; it is called
            // before there is a second thread. A refusal leaves the defaults, which are slower and as right.
            #[allow(unsafe_code, reason = "the allocator's parameters have no safe interface")]
            unsafe {
                libc::mallopt(parameter, value);
            }
        }
    }
}
