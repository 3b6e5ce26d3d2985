//! Fault points: places where a test can make the process die, or stand still as if it were frozen.

use std::{
    process::Command,
    sync::{LazyLock, Mutex, PoisonError},
};

/// The point named by `FAULT_POINT`. Unset, as it is in every deployment, nothing ever dies here.
static ARMED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("FAULT_POINT").ok());

/// The point named by `FAULT_PAUSE`, until it was reached once.
static PAUSE: LazyLock<Mutex<Option<String>>> =
    LazyLock::new(|| Mutex::new(std::env::var("FAULT_PAUSE").ok()));

/// Ends the process, as a crash or a lost machine would: nothing is flushed, nothing is answered. Or stops it, until
/// somebody lets it go on.
pub fn point(name: &str) {
    if ARMED.as_deref() == Some(name) {
        std::process::abort();
    }
    let mut pause = PAUSE.lock().unwrap_or_else(PoisonError::into_inner);
    if pause.take_if(|pause| pause == name).is_some() {
        // the whole process, by the signal that a frozen one is like
        let _ = Command::new("/bin/sh").args(["-c", "kill -STOP $PPID"]).status();
    }
}
