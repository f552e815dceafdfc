//! How the operating system schedules a session: processors to run on, and a real-time class for the
//! thread that paces the output. Both are wishes: what is not permitted is said once and the session runs
//! as any other.

use rustix::thread::{CpuSet, sched_setaffinity};
use std::str::FromStr;
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

/// Wishes for the sessions of one server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scheduling {
    /// SCHED_FIFO priority of the `air` thread, 1 to 99. It sleeps nearly always; a machine that is busy
    /// with other things then sends packets no later.
    pub realtime_priority: Option<u8>,
    /// Processors that all threads of a session stay on; every one when absent.
    pub cpus: Option<CpuList>,
}

/// Processors by number, written as in `taskset`: `0,2-3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpuList(Vec<usize>);

impl FromStr for CpuList {
    type Err = String;

    fn from_str(text: &str) -> Result<CpuList, String> {
        let number = |part: &str| -> Result<usize, String> {
            let number = part.trim().parse::<usize>().ok().filter(|&cpu| cpu < CpuSet::MAX_CPU);
            number.ok_or_else(|| format!("{part:?} is no processor number; write for example 0,2-3"))
        };
        let mut cpus = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err(format!("{part:?} runs backwards; write for example 0,2-3"));
            }
            cpus.extend(first..=last);
        }
        Ok(CpuList(cpus))
    }
}

impl Scheduling {
    /// Keeps the calling thread, and those it starts, on the wished processors.
    pub fn pin(&self) {
        let Some(CpuList(cpus)) = &self.cpus else { return };
        let mut set = CpuSet::new();
        for &cpu in cpus {
            set.set(cpu);
        }
        if let Err(error) = sched_setaffinity(None, &set) {
            tracing::warn!(
                "cannot stay on the processors {cpus:?}: {error}; the session uses all. \
                 Are these numbers among those of `nproc`, and of this service's cpuset?"
            );
        }
    }

    /// Gives the calling thread the wished real-time priority.
    pub fn pace(&self) {
        let Some(priority) = self.realtime_priority else { return };
        let fifo = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
        let set = ThreadPriority::try_from(priority).map_err(str::to_owned).and_then(|priority| {
            set_thread_priority_and_policy(thread_native_id(), priority, fifo).map_err(|e| format!("{e:?}"))
        });
        if let Err(error) = set {
            tracing::warn!(
                "no real-time priority {priority} for the output: {error}; it runs as any other thread. \
                 It takes CAP_SYS_NICE or, in a systemd unit, LimitRTPRIO={priority}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors_are_read() {
        let read = |text: &str| text.parse::<CpuList>().map(|list| list.0);
        assert_eq!(read("0"), Ok(vec![0]));
        assert_eq!(read("0, 2-4,7"), Ok(vec![0, 2, 3, 4, 7]));
        for text in ["", "a", "1,", "-1", "3-1", "1-", "99999"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
