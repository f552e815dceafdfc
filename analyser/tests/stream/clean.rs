//! Streams without a fault pass every rule that there is something to judge by.

use crate::writer::{AUDIO, AUDIO_2, Plan, SECOND, SPLICE, VIDEO};
use crate::{breaks, check};
use retrovue_analyser::{Rule, Verdict};

#[test]
fn everything_passes() {
    for plan in [Plan::fast(2 * SECOND), Plan::slow(40 * SECOND)] {
        let report = check(&plan.packets());
        breaks(&report, &[]);
        for rule in &report.rules {
            let expected = if rule.rule == Rule::Cat { Verdict::NotGraded } else { Verdict::Pass };
            assert_eq!(rule.verdict, expected, "{}\n{report}", rule.title);
        }
        assert_eq!(report.programs.len(), 2);
        assert_eq!(report.clocks.len(), 2);
        let pid = |pid| report.pids.iter().find(|p| p.pid == pid).expect("a PID");
        for graded in [VIDEO, AUDIO, AUDIO_2] {
            let stream = pid(graded).stream.as_ref().expect("a stream");
            assert_eq!((stream.not_graded, stream.late), (None, 0));
            assert!(stream.decoded + 3 > stream.access_units && stream.decoded > 20, "{stream:?}");
        }
        assert!(pid(SPLICE).stream.as_ref().expect("a stream").not_graded.is_some());
        assert_eq!(report.bit_rate, 188 * 8 * SECOND / plan.slot);
    }
}
