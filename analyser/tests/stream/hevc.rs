//! HEVC whose HRD is declared: the decoder's buffers are those, not the level's.

use crate::writer::*;
use crate::{breaks, check};
use retrovue_analyser::{BufferReport, Report, Rule};

/// Three seconds of pictures of 300 bytes: 60 kb/s, each sent `early` before its DTS.
fn report(hrd: Option<(u32, u32)>, early: i64) -> Report {
    let plan = Plan::fast(3 * SECOND);
    let video = Video { hevc: true, hrd, bytes: 300, early, ..plan.video.clone() };
    check(&Plan { video, ..plan }.packets())
}

/// Drain of TB, MB and EB of the pictures.
fn pictures(report: &Report) -> (i64, BufferReport, BufferReport) {
    let pid = report.pids.iter().find(|pid| pid.pid == VIDEO).expect("pictures");
    let stream = pid.stream.as_ref().expect("a stream");
    (stream.rx.expect("a drain"), stream.mb.expect("MB"), stream.eb.expect("EB"))
}

/// 204,800 bit/s and 2048 bytes.
const SMALL: Option<(u32, u32)> = Some((200, 64));

#[test]
fn the_buffers_are_those_declared() {
    let declared = report(SMALL, 200 * MS);
    breaks(&declared, &[]);
    let (rx, _, eb) = pictures(&declared);
    assert_eq!((rx, eb.limit), (204_800 * 11 / 10, 2_048), "{declared}");
    let of_level = report(None, 200 * MS);
    breaks(&of_level, &[]);
    let (rx, _, eb) = pictures(&of_level);
    assert_eq!((rx, eb.limit), (11_000_000, 1_375_000), "{of_level}");
}

/// Pictures that come twelve ahead are 3.6 kB. A buffer of 2 kB never has room for them all, and what waits in front of
/// it is there for good; the level's has.
#[test]
fn what_the_declared_buffer_does_not_hold_is_found() {
    breaks(&report(None, 480 * MS), &[]);
    breaks(&report(SMALL, 200 * MS), &[]);
    let over = report(SMALL, 480 * MS);
    breaks(&over, &[Rule::EmptyBuffer]);
    assert!(pictures(&over).1.peak > 1_000, "{over}");
}

/// A transport buffer that drains at the declared rate does not take packets at the level's.
#[test]
fn a_declared_rate_drains_the_transport_buffer() {
    let burst = |hrd| {
        let plan = Plan::fast(3 * SECOND);
        let video = Video { hevc: true, hrd, bytes: 700, early: 200 * MS, ..plan.video.clone() };
        check(&Plan { video, ..plan }.packets())
    };
    breaks(&burst(Some((200, 640))), &[Rule::TbOverflow]);
    breaks(&burst(None), &[]);
}
