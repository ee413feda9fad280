//! The `sqnr` command.

fn main() {}
