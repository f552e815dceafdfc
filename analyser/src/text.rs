//! A report for people: a table of PIDs, the clocks, then the rules.

use crate::report::{BufferReport, Report, Verdict};
use crate::rule::Occurrence;
use std::fmt::{Display, Formatter, Result};

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let size = self.packet_size.map_or(0, |size| size.stride());
        writeln!(
            f,
            "{} packets of {size} bytes, {} bytes, {} skipped",
            self.packets, self.bytes, self.skipped_bytes
        )?;
        writeln!(
            f,
            "{} s, {} bit/s, {} null packets",
            thousandths(self.duration_us / 1000),
            self.bit_rate,
            self.null_packets
        )?;
        for clock in &self.clocks {
            write!(
                f,
                "PCR on {:#06x}: {} of them, longest interval {} ms, {} rate",
                clock.pid,
                clock.pcrs,
                thousandths(clock.longest_interval_us),
                clock.rate
            )?;
            if let Some(ps) = clock.accuracy_ps {
                write!(f, ", off the line by at most {} ns", thousandths(ps))?;
            }
            if clock.discontinuities > 0 {
                write!(f, ", {} further time bases", clock.discontinuities)?;
            }
            writeln!(f)?;
        }
        for program in &self.programs {
            write!(f, "program {}: PMT {:#06x}", program.number, program.map_pid)?;
            if let Some(pid) = program.pcr_pid {
                write!(f, ", PCR {pid:#06x}")?;
            }
            writeln!(f, ", TBsys {}, Bsys {}", held(program.tb_sys), held(program.b_sys))?;
        }
        self.pids(f)?;
        self.verdicts(f)
    }
}

impl Report {
    fn pids(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f)?;
        writeln!(
            f,
            "{:<7} {:<18} {:>9} {:>5} {:>7} {:>5}  {:<12} {:<17} {:<19} delay",
            "PID", "what", "packets", "CC", "units", "late", "TB", "MB", "EB or B"
        )?;
        for pid in &self.pids {
            write!(f, "{:#06x}  {:<18} {:>9} {:>5}", pid.pid, pid.name, pid.packets, pid.continuity_errors)?;
            if let Some(stream) = &pid.stream {
                write!(f, " {:>7}", stream.access_units)?;
                match stream.not_graded {
                    Some(why) => write!(f, "        not graded: {why}")?,
                    None => {
                        let cell = |buffer: Option<BufferReport>| buffer.map_or("-".into(), held);
                        write!(
                            f,
                            " {:>5}  {:<12} {:<17} {:<19} {} ms",
                            stream.late,
                            cell(stream.tb),
                            cell(stream.mb),
                            cell(stream.eb),
                            stream.longest_delay_us / 1000
                        )?;
                    }
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }

    fn verdicts(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f)?;
        for rule in &self.rules {
            let verdict = match rule.verdict {
                Verdict::Pass => "pass",
                Verdict::Fail => "FAIL",
                Verdict::NotGraded => "not graded",
            };
            write!(f, "{:<6} {:<10} {}", rule.id, verdict, rule.title)?;
            if rule.count > 0 {
                write!(f, ": {} times", rule.count)?;
            }
            if let Some(why) = &rule.why {
                write!(f, ": {why}")?;
            }
            if rule.verdict != Verdict::NotGraded && !rule.not_graded_pids.is_empty() {
                write!(f, " (not graded:")?;
                for pid in &rule.not_graded_pids {
                    write!(f, " {pid:#06x}")?;
                }
                write!(f, ")")?;
            }
            writeln!(f)?;
            for occurrence in &rule.first {
                writeln!(f, "         {}", line(occurrence))?;
            }
            let more = rule.count.saturating_sub(rule.first.len() as u64);
            if more > 0 {
                writeln!(f, "         and {more} more")?;
            }
        }
        let failed = self.broken().count();
        writeln!(f)?;
        match failed {
            0 => writeln!(f, "no rule broken"),
            1 => writeln!(f, "1 rule broken"),
            _ => writeln!(f, "{failed} rules broken"),
        }
    }
}

fn held(buffer: BufferReport) -> String {
    format!("{}/{}", buffer.peak, buffer.limit)
}

fn thousandths(value: i64) -> String {
    format!("{}.{:03}", value / 1000, value % 1000)
}

fn line(occurrence: &Occurrence) -> String {
    let mut text = format!("packet {} at byte {}", occurrence.packet, occurrence.offset);
    if let Some(pid) = occurrence.pid {
        text += &format!(", PID {pid:#06x}");
    }
    if !occurrence.what.is_empty() {
        text += &format!(": {}", occurrence.what);
    }
    if let Some(value) = occurrence.value {
        text += &format!(" {value}");
        if !occurrence.unit.is_empty() {
            text += &format!(" {}", occurrence.unit);
        }
    }
    if let Some(limit) = occurrence.limit {
        text += &format!(" (limit {limit})");
    }
    text
}
