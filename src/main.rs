//! The `sqnr` command.

fn main() -> std::process::ExitCode {
    sqnr::cli::main()
}
