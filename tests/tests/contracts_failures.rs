//! Failures inside a block (seed 003 §7.5.6) on the virtual clock: an asset whose middle cannot be read.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use retrovue_tests::bad_sector::{BadSector, middle};
use retrovue_tests::clip::{Clip, plain};
use retrovue_tests::plan::{plan, render_by};
use retrovue_tests::viewing::{Seen, pictures};
use serde_json::json;

/// Half a megabyte a second, most of it filler: long enough that nothing but playing comes near the middle.
const BULKY: &str = "-c:v libx264 -preset ultrafast -g 25 -b:v 4M -maxrate 4M -bufsize 1M \
    -x264-params nal-hrd=cbr:filler=1 -c:a aac";

/// TEST-FAIL-001 (CONTRACT-SEG-005): the second of three segments becomes unreadable while it is decoded:
/// the session ends with ASSET_ERROR, and the third segment is not shown, no filler, no black, nothing
/// (INV-BLOCKPLAN-NO-SEGMENT-RECOVERY); the asset is not tried again; the block after it goes with the queue.
///
/// The same for each way in which a container is read: an MP4's table of samples, a Matroska's clusters,
/// a transport stream's packets.
#[test]
fn test_fail_001_an_asset_error_ends_the_session() {
    for name in ["bad.mp4", "bad.mkv", "bad.ts"] {
        let dir = tempfile::tempdir().unwrap();
        let good = plain("good.mp4", 3).make(dir.path());
        let bad = Clip { name, size: (640, 360), rate: (25, 1), frames: 200, codecs: BULKY }.make(dir.path());
        let air = BadSector::of(dir.path(), &bad, middle(&bad));
        let plan =
            plan((30, 1), &[&[(&good, 0, 2000), (&bad, 0, 8000), (&good, 1000, 2000)], &[(&good, 0, 1000)]]);
        let rendered = render_by(&air.program, dir.path(), "out.ts", &plan, None);
        assert_eq!(rendered.exit, 4, "{name}: {rendered:?}");
        assert_eq!(rendered.report["outcome"], json!("terminated"));
        assert_eq!(rendered.report["code"], json!("ASSET_ERROR"), "{name}: {rendered:?}");
        let events = rendered.report["events"].as_array().unwrap();
        let words: Vec<_> = events.iter().map(|e| (e["event"].as_str().unwrap(), &e["block_id"])).collect();
        assert_eq!(
            words,
            [("started", &json!("B0")), ("failed", &json!("B0"))],
            "{name}: the queue is cleared"
        );
        assert_eq!(events[1]["code"], json!("ASSET_ERROR"), "{name}");

        let seen = pictures(&rendered.path, 1000);
        assert_eq!(events[1]["frames"], json!(seen.len()), "{name}: every frame that left is accounted for");
        assert!((90..270).contains(&seen.len()), "{name}: {} frames, the fault lies at half", seen.len());
        for (k, picture) in (0..).zip(seen) {
            let expected = if k < 60 { k } else { (k - 60) * 25 / 30 };
            assert!(
                matches!(picture, Seen::Frame { number, .. } if number == expected),
                "{name}: output frame {k} shows {picture:?}, not {expected}"
            );
        }
        // Matroska's reader looks for a place to go on from before it gives up; nobody opens the file again.
        assert!((1..=4).contains(&air.failed_reads()), "{name}: {} reads failed", air.failed_reads());
    }
}
