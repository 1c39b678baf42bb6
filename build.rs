//! Build steps of the two shells.

fn main() {}
