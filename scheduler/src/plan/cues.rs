//! Cues of a programme's breaks (SCTE 35): out at the first frame of each, with its length, and back at its end.
//!
//! Open time has none: no programme goes on behind it.

use super::acts::LogEntry;
use retrovue_proto::plan::{Cue, CueCommand, CuePlace, SpliceInsert};
use retrovue_timebase::{Millis, UtcMs};

/// Cues of a block that begins at `start`. Both of a break have the same id, its second since 1970: no other
/// break of the channel begins in it, and a block planned again cues the same.
pub(crate) fn cues(start: UtcMs, entries: &[LogEntry]) -> Vec<Cue> {
    let breaks = entries.iter().filter(|entry| matches!(entry, LogEntry::AdBlock { .. })).count();
    let mut cues = Vec::with_capacity(breaks * 2);
    let (mut at, mut avail) = (Millis(0), 0);
    for entry in entries {
        let (begin, duration) = (at, entry.duration());
        at = begin + duration;
        if matches!(entry, LogEntry::Act { .. }) {
            continue;
        }
        avail += 1;
        let insert = SpliceInsert {
            event_id: start.plus(begin).0.div_euclid(1000) as u32,
            out_of_network: true,
            break_duration_ms: Some(duration),
            // The way back is cued too.
            auto_return: false,
            unique_program_id: 0,
            // Of so many breaks that eight bits do not number them, none is numbered.
            avail: if breaks > usize::from(u8::MAX) { 0 } else { avail },
            avails_expected: u8::try_from(breaks).unwrap_or_default().into(),
        };
        let back = SpliceInsert { out_of_network: false, break_duration_ms: None, ..insert.clone() };
        let cue = |at, insert| Cue { at: CuePlace::AtMs(at), command: CueCommand::SpliceInsert(insert) };
        cues.extend([cue(begin, insert), cue(at, back)]);
    }
    cues
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_break_is_cued_out_and_back() {
        let act = |number, seconds: i64| LogEntry::Act {
            act: number,
            asset_start_ms: Millis(0),
            duration_ms: Millis(seconds * 1000),
        };
        let ads = |number, ms| LogEntry::AdBlock { ad_block: number, duration_ms: Millis(ms) };
        let log = [act(1, 300), ads(1, 160_001), act(2, 400), ads(2, 160_002)];
        let told: Vec<(CuePlace, u32, bool, Option<Millis>, u32)> = cues(UtcMs(1_700_000_000_999), &log)
            .into_iter()
            .map(|cue| {
                let CueCommand::SpliceInsert(insert) = cue.command else { panic!("{cue:?}") };
                assert_eq!(insert.avails_expected, 2);
                (cue.at, insert.event_id, insert.out_of_network, insert.break_duration_ms, insert.avail)
            })
            .collect();
        let at = |ms| CuePlace::AtMs(Millis(ms));
        assert_eq!(
            told,
            [
                (at(300_000), 1_700_000_300, true, Some(Millis(160_001)), 1),
                (at(460_001), 1_700_000_300, false, None, 1),
                (at(860_001), 1_700_000_861, true, Some(Millis(160_002)), 2),
                (at(1_020_003), 1_700_000_861, false, None, 2),
            ]
        );
        assert_eq!(cues(UtcMs(0), &[act(1, 60)]), []);
    }
}
