//! Set-up, demo and tests on a fresh machine.

fn main() {}
