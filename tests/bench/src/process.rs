//! What the kernel says a process has used.

use std::fs;

/// CPU time so far in milliseconds: of all its threads that live, to the nanosecond, as the scheduler has it.
/// None on a kernel that does not keep scheduler statistics.
pub fn cpu_ms(pid: u32) -> Option<f64> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    // a thread may end while the others are read
    let statistics =
        threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok());
    let times: Option<Vec<u64>> =
        statistics.map(|text| text.split_whitespace().next()?.parse().ok()).collect();
    times.filter(|times| !times.is_empty()).map(|times| times.iter().sum::<u64>() as f64 / 1e6)
}

/// The most memory it has had resident at once, in megabytes of 1024 kilobytes.
pub fn peak_mb(pid: u32) -> Option<f64> {
    status_mb(pid, "VmHWM:")
}

/// The memory it has resident now.
pub fn resident_mb(pid: u32) -> Option<f64> {
    status_mb(pid, "VmRSS:")
}

fn status_mb(pid: u32, name: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}

/// The processor and how many of it there are.
pub fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{cores} x {}, Linux {}",
        model.map_or("unknown processor", |(_, name)| name),
        std::env::consts::ARCH
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let pid = std::process::id();
        assert!(cpu_ms(pid).unwrap() > 0.0 && resident_mb(pid).unwrap() > 0.5);
        // the peak last: other tests of this process take memory meanwhile
        let resident = resident_mb(pid);
        assert!(peak_mb(pid) >= resident);
        assert_eq!((cpu_ms(u32::MAX), peak_mb(u32::MAX)), (None, None));
    }
}
