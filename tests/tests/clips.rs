//! The clips and the way they are read back, tested on themselves.

use retrovue_tests::{clip, viewing};

#[test]
fn a_clip_tells_its_frame_numbers_and_its_sound_meets_its_flashes() {
    let dir = tempfile::tempdir().unwrap();
    let path = clip::plain("self.mp4", 3).make(dir.path());
    let seen = viewing::pictures(&path, 1000);
    assert_eq!(seen.len(), 90);
    for (n, picture) in seen.iter().enumerate() {
        let expected = viewing::Seen::Frame { number: n as i64, flash: n % 30 == 0 };
        assert_eq!(*picture, expected);
    }
    let beeps = viewing::beeps(&path);
    assert_eq!(beeps.len(), 3, "{beeps:?}");
    for (second, onset) in beeps.iter().enumerate() {
        assert!((onset - second as i64 * 48_000).abs() < 240, "{beeps:?}");
    }
}
