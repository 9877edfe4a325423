//! What the kernel tells of a process: Linux's /proc.

use crate::Failure;
use std::{fs, process::Command, sync::OnceLock};

/// Peak resident memory of a process, bytes.
pub fn peak_memory(pid: u32) -> Result<u64, Failure> {
    status_bytes(pid, "VmHWM:")
}

/// Resident memory of a process now, bytes.
pub fn memory(pid: u32) -> Result<u64, Failure> {
    status_bytes(pid, "VmRSS:")
}

fn status_bytes(pid: u32, field: &str) -> Result<u64, Failure> {
    let text = read(pid, "status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")).and_then(|kib| kib.parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| format!("process {pid}: no {field} in its status"))
}

/// Processor seconds that a process has used, its own and the kernel's for it.
pub fn cpu_seconds(pid: u32) -> Result<f64, Failure> {
    let text = read(pid, "stat")?;
    cpu_ticks(&text)
        .map(|ticks| ticks as f64 / ticks_per_second())
        .ok_or_else(|| format!("process {pid}: its stat cannot be read"))
}

/// Fields 14 and 15 of proc_pid_stat(5); the name in parentheses before them may hold blanks.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut times = rest.split(' ').skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    Some(user + system)
}

fn ticks_per_second() -> f64 {
    static TICKS: OnceLock<f64> = OnceLock::new();
    *TICKS.get_or_init(|| {
        let output = Command::new("getconf").arg("CLK_TCK").output().ok();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
        text.and_then(|text| text.parse().ok()).unwrap_or(100.0)
    })
}

fn read(pid: u32, file: &str) -> Result<String, Failure> {
    let path = format!("/proc/{pid}/{file}");
    fs::read_to_string(&path).map_err(|why| format!("{path}: {why}"))
}

/// Ends a process as a power cut would: SIGKILL.
pub fn kill(pid: u32) -> Result<(), Failure> {
    let status = Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status()
        .map_err(|why| format!("kill: cannot start: {why}"))?;
    if status.success() { Ok(()) } else { Err(format!("kill -9 {pid}: {status}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_does_not_shift_the_fields() {
        let stat = "42 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0 20";
        assert_eq!(cpu_ticks(stat), Some(42));
        assert_eq!(cpu_ticks("42 (a"), None);
    }

    #[test]
    fn this_process_has_memory_and_has_used_time() {
        let pid = std::process::id();
        assert!(memory(pid).unwrap() > 1 << 16);
        assert!(peak_memory(pid).unwrap() >= memory(pid).unwrap() / 2);
        assert!(cpu_seconds(pid).unwrap() >= 0.0);
    }
}
