//! The `retrovue` command.

fn main() {}
