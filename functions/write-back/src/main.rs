// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

fn main() {}
