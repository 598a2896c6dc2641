//! The program `banter`.

fn main() {}
