//! What a stream came to: figures per clock, program and PID, and a verdict per rule. The field names are those of
//! the JSON form and stay as they are (`docs/ts-check.md`).

use crate::framing::PacketSize;
use crate::inspector::{Inspector, NONE, Role, Slot, Stream};
use crate::instant::{microseconds, whole_bytes};
use crate::plot::Plot;
use crate::rule::{Occurrence, Rule};
use crate::stream_type::Coding;
use crate::system_buffer::BSYS_SIZE;
use crate::transport_buffer::TB_SIZE;
use serde::Serialize;

/// A checked stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Version of this form.
    pub format: u32,
    /// Bytes read.
    pub bytes: u64,
    /// Packets among them.
    pub packets: u64,
    /// How packets follow each other; None where no sync was found.
    pub packet_size: Option<PacketSize>,
    /// Bytes that belong to no packet.
    pub skipped_bytes: u64,
    /// From the first PCR to the last, of the first clock, in microseconds.
    pub duration_us: i64,
    /// Its rate over that time in bit/s.
    pub bit_rate: i64,
    /// `transport_stream_id`.
    pub transport_stream_id: Option<u16>,
    /// PAT and PMT versions that followed others.
    pub version_changes: u64,
    /// Null packets.
    pub null_packets: u64,
    /// The clocks, one per PCR PID.
    pub clocks: Vec<ClockReport>,
    /// The programs of the PAT.
    pub programs: Vec<ProgramReport>,
    /// Every PID that came or was announced.
    pub pids: Vec<PidReport>,
    /// A verdict for every rule.
    pub rules: Vec<RuleReport>,
    #[serde(skip)]
    pub(crate) plot: Option<Plot>,
}

/// A PCR PID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClockReport {
    /// Its PID.
    pub pid: u16,
    /// PCRs seen.
    pub pcrs: u64,
    /// Longest time between two in microseconds.
    pub longest_interval_us: i64,
    /// `constant`, `variable` or `unknown`.
    pub rate: &'static str,
    /// Greatest distance from the best-fitting line in picoseconds; constant rate only.
    pub accuracy_ps: Option<i64>,
    /// Time bases that began after the first.
    pub discontinuities: u64,
    /// Packets whose arrival nothing told.
    pub untimed_packets: u64,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProgramReport {
    /// `program_number`.
    pub number: u16,
    /// PID of its PMT.
    pub map_pid: u16,
    /// Its PCR PID, when the PMT came.
    pub pcr_pid: Option<u16>,
    /// Peak of TBsys in bytes, limit 512.
    pub tb_sys: BufferReport,
    /// Peak of Bsys in bytes, limit 1536.
    pub b_sys: BufferReport,
}

/// A buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BufferReport {
    /// The most that was in it in bytes, rounded up.
    pub peak: i64,
    /// What it may hold in bytes.
    pub limit: i64,
    /// Packets that found it too full.
    pub violations: u64,
}

/// A PID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PidReport {
    /// The PID.
    pub pid: u16,
    /// What it carries, for people.
    pub name: String,
    /// Its packets.
    pub packets: u64,
    /// Those with `transport_scrambling_control`.
    pub scrambled: u64,
    /// Continuity errors.
    pub continuity_errors: u64,
    /// Packets sent twice.
    pub repeated: u64,
    /// What is known of an elementary stream.
    #[serde(flatten)]
    pub stream: Option<StreamReport>,
}

/// An elementary stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamReport {
    /// `program_number`.
    pub program: u16,
    /// `stream_type`.
    pub stream_type: u8,
    /// Its coding.
    pub coding: Coding,
    /// PES packets.
    pub pes_packets: u64,
    /// Access units that began.
    pub access_units: u64,
    /// Packets with `random_access_indicator`.
    pub random_access: u64,
    /// Longest distance of DTS in 90 kHz.
    pub longest_dts_gap: i64,
    /// Access units that the simulated decoder took, and those not complete by their DTS.
    pub decoded: u64,
    /// Units not complete by their DTS.
    pub late: u64,
    /// Longest time from arrival to DTS in microseconds.
    pub longest_delay_us: i64,
    /// Transport buffer, and drain of it in bit/s.
    pub tb: Option<BufferReport>,
    /// Drain of TB in bit/s.
    pub rx: Option<i64>,
    /// Multiplexing buffer.
    pub mb: Option<BufferReport>,
    /// Elementary stream buffer: EB, or B.
    pub eb: Option<BufferReport>,
    /// Why the buffers are not judged.
    pub not_graded: Option<&'static str>,
}

/// A rule's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Kept.
    Pass,
    /// Broken.
    Fail,
    /// Nothing to judge it by.
    NotGraded,
}

/// A rule and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleReport {
    /// The rule.
    pub rule: Rule,
    /// Its number.
    pub id: &'static str,
    /// Where it stands.
    pub clause: &'static str,
    /// What it demands.
    pub title: &'static str,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not graded, or what it was graded by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How often it was broken.
    pub count: u64,
    /// The first occurrences.
    pub first: Vec<Occurrence>,
    /// PIDs that could not be judged by it, where others were.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_graded_pids: Vec<u16>,
}

impl Report {
    /// Whether no rule was broken.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.rules.iter().all(|rule| rule.verdict != Verdict::Fail)
    }

    /// Whether it was a transport stream at all.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.packets > 0
    }

    /// A rule's verdict.
    #[must_use]
    pub fn rule(&self, rule: Rule) -> &RuleReport {
        &self.rules[rule as usize]
    }

    /// The rules that were broken.
    pub fn broken(&self) -> impl Iterator<Item = &RuleReport> {
        self.rules.iter().filter(|rule| rule.verdict == Verdict::Fail)
    }

    pub(crate) fn new(inspector: &mut Inspector, bytes: u64, skipped_bytes: u64, dvb: bool) -> Report {
        let mut rules = Vec::new();
        for &rule in Rule::ALL {
            rules.push(judge(inspector, rule, dvb));
        }
        let main = inspector.clocks.get(usize::from(inspector.main));
        let (packets, ticks) = main.map_or((0, 0), |clock| clock.total);
        let bits = i128::from(packets) * 188 * 8 * 27_000_000;
        let clocks = inspector
            .clocks
            .iter()
            .filter(|clock| clock.pcrs > 0)
            .map(|clock| ClockReport {
                pid: clock.pid,
                pcrs: clock.pcrs,
                longest_interval_us: clock.longest / 27,
                rate: match (clock.variable, clock.accuracy) {
                    (true, _) => "variable",
                    (false, Some(_)) => "constant",
                    (false, None) => "unknown",
                },
                accuracy_ps: clock.accuracy,
                discontinuities: clock.discontinuities,
                untimed_packets: clock.unclocked,
            })
            .collect();
        let programs = inspector
            .tables
            .programs
            .iter()
            .zip(&inspector.systems)
            .map(|(program, system)| ProgramReport {
                number: program.number,
                map_pid: program.map_pid,
                pcr_pid: program.version.map(|_| program.pcr_pid),
                tb_sys: buffer(system.tb.peak, TB_SIZE, system.tb.over),
                b_sys: buffer(system.peak, BSYS_SIZE, system.over),
            })
            .collect();
        let mut pids: Vec<PidReport> = inspector
            .slots
            .iter()
            .filter(|slot| slot.packets > 0 || slot.stream.is_some())
            .map(|slot| pid_report(inspector, slot))
            .collect();
        pids.sort_by_key(|pid| pid.pid);
        let null_packets =
            pids.iter().find(|pid| pid.pid == crate::packet::NULL_PID).map_or(0, |pid| pid.packets);
        Report {
            format: 1,
            bytes,
            packets: inspector.packets,
            packet_size: inspector.size,
            skipped_bytes,
            duration_us: ticks / 27,
            bit_rate: i64::try_from(bits / i128::from(ticks.max(1))).unwrap_or(i64::MAX),
            transport_stream_id: inspector.tables.transport_stream_id,
            version_changes: inspector.tables.versions_changed,
            null_packets,
            clocks,
            programs,
            pids,
            rules,
            plot: inspector.plot.then(|| Plot::of(inspector)),
        }
    }
}

fn buffer(level: i64, limit: i64, violations: u64) -> BufferReport {
    BufferReport { peak: whole_bytes(level), limit, violations }
}

fn pid_report(inspector: &Inspector, slot: &Slot) -> PidReport {
    let name = match slot.role {
        Role::Null => "null".into(),
        Role::ProgramMap(program) => {
            let number = inspector.tables.programs.get(usize::from(program)).map_or(0, |p| p.number);
            format!("PMT of program {number}")
        }
        Role::Table => match slot.pid {
            0 => "PAT",
            1 => "CAT",
            0x10 => "NIT",
            0x11 => "SDT, BAT",
            0x12 => "EIT",
            _ => "TDT, TOT",
        }
        .into(),
        Role::Stream => slot.stream.as_ref().map_or("", |stream| stream.coding.name()).into(),
        Role::Unknown if slot.is_pcr && slot.referenced => "PCR".into(),
        Role::Unknown if slot.referenced => "referenced".into(),
        Role::Unknown => "unreferenced".into(),
    };
    PidReport {
        pid: slot.pid,
        name,
        packets: slot.packets,
        scrambled: slot.scrambled,
        continuity_errors: slot.continuity_errors,
        repeated: slot.repeated,
        stream: slot.stream.as_ref().map(|stream| stream_report(inspector, slot, stream)),
    }
}

/// Why a stream's buffers are not judged.
fn not_graded(inspector: &Inspector, slot: &Slot, stream: &Stream) -> Option<&'static str> {
    if let Some(why) = stream.buffer.refused.or(stream.units.unknown) {
        return Some(why);
    }
    if slot.packets == 0 {
        return Some("no packets");
    }
    if slot.clock == NONE {
        return Some("its program has no clock, or is one too many");
    }
    if inspector.clocks.get(usize::from(slot.clock)).is_none_or(|clock| clock.total.0 == 0) {
        return Some("its program has fewer than two PCRs");
    }
    if stream.buffer.model().is_none() {
        return Some("no access unit that tells the buffers' sizes");
    }
    None
}

fn stream_report(inspector: &Inspector, slot: &Slot, stream: &Stream) -> StreamReport {
    let held = &stream.buffer;
    let not_graded = not_graded(inspector, slot, stream);
    let model = held.model().filter(|_| not_graded.is_none());
    StreamReport {
        program: inspector.tables.programs.get(usize::from(stream.program)).map_or(0, |p| p.number),
        stream_type: stream.stream_type,
        coding: stream.coding,
        pes_packets: stream.pes_packets,
        access_units: stream.units.count,
        random_access: stream.random_access,
        longest_dts_gap: stream.longest_stamp_gap,
        decoded: held.decoded,
        late: held.late,
        longest_delay_us: microseconds(held.longest_delay),
        tb: model.map(|_| buffer(held.tb.peak, TB_SIZE, held.tb.over)),
        rx: model.map(|model| model.rx),
        mb: model.and_then(|model| model.mb).map(|(size, _)| buffer(held.mb_peak, size, held.mb_over)),
        eb: model.map(|model| buffer(held.eb_peak, model.eb, held.eb_over)),
        not_graded,
    }
}

fn judge(inspector: &mut Inspector, rule: Rule, dvb: bool) -> RuleReport {
    let scrambled_without_cat = inspector.scrambled > 0 && inspector.slots[1].packets == 0;
    let found = |inspector: &Inspector| inspector.findings.of(rule).clone();
    let mut why: Option<String> = None;
    let mut not_graded_pids = Vec::new();
    let mut graded = inspector.packets > 0;
    if !graded {
        why = Some("no packets".into());
    }
    let timed = inspector.clocks.iter().any(|clock| clock.total.0 > 0);
    let refuse = |reason: &str, graded: &mut bool, why: &mut Option<String>| {
        *graded = false;
        why.get_or_insert(reason.into());
    };
    let streams =
        || inspector.slots.iter().filter_map(|slot| slot.stream.as_ref().map(|stream| (slot, stream)));
    match rule {
        Rule::Pat | Rule::Pmt | Rule::PidMissing | Rule::Unreferenced if !timed => {
            refuse("fewer than two PCRs: no clock", &mut graded, &mut why);
        }
        Rule::Pmt if inspector.tables.programs.is_empty() => {
            refuse("the PAT names no program", &mut graded, &mut why);
        }
        Rule::PcrRepetition | Rule::PcrDiscontinuity if !timed => {
            refuse("fewer than two PCRs", &mut graded, &mut why);
        }
        Rule::PcrAccuracy => {
            let figures: Vec<i64> = inspector.clocks.iter().filter_map(|clock| clock.accuracy).collect();
            not_graded_pids.extend(inspector.clocks.iter().filter(|c| c.variable).map(|c| c.pid));
            match figures.iter().max() {
                Some(&ps) => {
                    why = Some(format!("greatest distance from the line {}.{:03} ns", ps / 1000, ps % 1000));
                }
                None if not_graded_pids.is_empty() => {
                    refuse("too few PCRs for a line", &mut graded, &mut why)
                }
                None => refuse(
                    "variable rate: the PCRs alone define when bytes arrive, so no line can be drawn through them",
                    &mut graded,
                    &mut why,
                ),
            }
        }
        Rule::Cat if inspector.scrambled == 0 => refuse("nothing is scrambled", &mut graded, &mut why),
        Rule::Nit | Rule::Sdt | Rule::Eit | Rule::Tdt => {
            let pid = match rule {
                Rule::Nit => 0x10,
                Rule::Sdt => 0x11,
                Rule::Eit => 0x12,
                _ => 0x14,
            };
            let seen = inspector
                .slots
                .iter()
                .any(|slot| slot.pid == pid && slot.repetition.as_ref().is_some_and(|r| r.any()));
            if !seen && dvb && inspector.packets > 0 {
                let place = inspector.place(0, pid);
                inspector.findings.note(rule, place, "none");
            } else if !seen {
                refuse("the table does not occur", &mut graded, &mut why);
            } else if !timed {
                refuse("fewer than two PCRs: no clock", &mut graded, &mut why);
            }
        }
        Rule::SiRepetition => {
            let any =
                inspector.slots.iter().any(|slot| (0x10..=0x14).contains(&slot.pid) && slot.packets > 0);
            if !any || !timed {
                refuse("no SI tables, or no clock", &mut graded, &mut why);
            }
        }
        Rule::TbOverflow
        | Rule::MbOverflow
        | Rule::BOverflow
        | Rule::Underflow
        | Rule::EmptyBuffer
        | Rule::DataDelay => {
            let (mut judged, mut reasons) = (0, Vec::new());
            for (slot, stream) in streams() {
                match not_graded(inspector, slot, stream) {
                    Some(reason) => {
                        not_graded_pids.push(slot.pid);
                        reasons.push(reason);
                    }
                    None => {
                        let has_mb = stream.buffer.model().is_some_and(|model| model.mb.is_some());
                        judged += u32::from(match rule {
                            Rule::MbOverflow => has_mb,
                            Rule::BOverflow => !has_mb,
                            _ => true,
                        });
                    }
                }
            }
            if judged == 0 {
                refuse(reasons.first().unwrap_or(&"no such stream"), &mut graded, &mut why);
            }
        }
        Rule::SystemOverflow if inspector.systems.iter().all(|system| system.packets == 0) => {
            refuse("no PMT came with a clock", &mut graded, &mut why);
        }
        Rule::Delimiter if !streams().any(|(_, stream)| stream.coding == Coding::Avc) => {
            refuse("no AVC", &mut graded, &mut why);
        }
        Rule::Pts
        | Rule::DtsOrder
        | Rule::PtsBeforeDts
        | Rule::PesLength
        | Rule::PesUnbounded
        | Rule::PesSyntax
            if !streams().any(|(_, stream)| stream.pes_packets > 0) =>
        {
            refuse("no PES packets", &mut graded, &mut why);
        }
        _ => {}
    }
    if rule == Rule::Cat && scrambled_without_cat {
        let place = inspector.place(0, 1);
        inspector.findings.note(rule, place, "none, but packets are scrambled");
    }
    if rule == Rule::SyncLoss && inspector.packets == 0 {
        inspector.findings.note(rule, Default::default(), "no sync found");
    }
    let found = found(inspector);
    let verdict = match (found.count, graded) {
        (1.., _) => Verdict::Fail,
        (0, true) => Verdict::Pass,
        (0, false) => Verdict::NotGraded,
    };
    not_graded_pids.sort_unstable();
    RuleReport {
        rule,
        id: rule.id(),
        clause: rule.clause(),
        title: rule.title(),
        verdict,
        why: why.filter(|_| verdict == Verdict::NotGraded || rule == Rule::PcrAccuracy),
        count: found.count,
        first: found.first,
        not_graded_pids,
    }
}
