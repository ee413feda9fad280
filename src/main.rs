//! The `sqnr` command.

/// Debug builds end at once when an audio callback allocates.
#[cfg(all(feature = "live", debug_assertions))]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

fn main() -> std::process::ExitCode {
    sqnr::cli::main()
}
