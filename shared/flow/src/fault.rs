//! Fault points: places where a test can make the process die, panic, or stand still as if it were frozen.
//!
//! Each fault is armed by a variable of the environment that names its point. Unset, as they are in every
//! deployment, nothing ever happens here.

use std::{
    process::Command,
    sync::{LazyLock, Mutex, PoisonError},
};

/// The name of a point until it was reached.
type Armed = LazyLock<Mutex<Option<String>>>;

static DIES: Armed = LazyLock::new(|| Mutex::new(std::env::var("FAULT_POINT").ok()));
static PANICS: Armed = LazyLock::new(|| Mutex::new(std::env::var("FAULT_PANIC").ok()));
static STANDS_STILL: Armed = LazyLock::new(|| Mutex::new(std::env::var("FAULT_PAUSE").ok()));

pub fn point(name: &str) {
    if reached(&DIES, name) {
        // as a crash or a lost machine would: nothing is flushed, nothing is answered
        std::process::abort();
    }
    if reached(&PANICS, name) {
        std::panic::resume_unwind(Box::new("a fault was asked for"));
    }
    if reached(&STANDS_STILL, name) {
        // the whole process, until somebody lets it continue
        let _ = Command::new("/bin/sh").args(["-c", "kill -STOP $PPID"]).status();
    }
}

fn reached(armed: &Armed, name: &str) -> bool {
    let mut armed = armed.lock().unwrap_or_else(PoisonError::into_inner);
    armed.take_if(|point| point == name).is_some()
}
