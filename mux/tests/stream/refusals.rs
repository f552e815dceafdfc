//! What the muxer refuses, by name and value, and what it reports without stopping.

use crate::drive::{Output, drain, mux};
use crate::elementary::{Noise, Programme, Unit, adts, picture};
use proptest::prelude::*;
use retrovue_mux::{CpbArrival, MuxEvent, Muxer, PACKET_SIZE, Poll, PushError, StreamIndex};
use retrovue_timebase::Ticks27M;

fn unit(stream: usize, dts: i64) -> Unit {
    let mut noise = Noise(7);
    let data = if stream == 0 { picture(&mut noise, 500, true) } else { adts(&mut noise, 300) };
    Unit { stream, pts: dts, dts, random_access: true, arrival: None, data }
}

fn arrival(initial: i64, complete: i64) -> Option<CpbArrival> {
    Some(CpbArrival { initial: Ticks27M(initial), complete: Ticks27M(complete) })
}

#[test]
fn each_fault_names_the_stream_and_the_values() {
    type Fault = (fn(&mut Unit), &'static str);
    let faults: [Fault; 15] = [
        (|u| u.stream = 2, "stream 2 does not exist: the program has 2"),
        (|u| u.dts = 3_600, "DTS 3600 of stream 0 does not follow 3600"),
        (|u| u.dts = -5, "DTS -5 of stream 0 does not follow 3600"),
        (|u| u.dts = 903_601, "DTS 903601 of stream 0 leaps from 3600"),
        (|u| u.dts = i64::MAX, "beyond 2^53"),
        (|u| u.dts = i64::MIN, "beyond 2^53"),
        (|u| u.pts = 7_199, "PTS 7199 of stream 0 is not within ten seconds after its DTS 7200"),
        (|u| u.pts = i64::MAX, "is not within ten seconds"),
        (
            |u| u.arrival = arrival(2_000_000, 1_999_999),
            "arrival from 2000000 to 1999999 of stream 0 is not within ten seconds before DTS 7200",
        ),
        (|u| u.arrival = arrival(2_000_000, 2_160_001), "to 2160001 of stream 0 is not within"),
        (|u| u.arrival = arrival(2_160_000 - 270_000_001, 2_160_000), "from -267840001 to"),
        (|u| u.arrival = arrival(i64::MIN, i64::MAX), "is not within ten seconds"),
        (|u| u.data.clear(), "at DTS 7200 of stream 0 is no Annex B byte stream"),
        (|u| u.data = vec![1; 10], "at DTS 7200 of stream 0 is no Annex B byte stream"),
        (|u| u.data.resize(100_000_000, 0), "access unit of 100000000 bytes at DTS 7200 of stream 0 is over"),
    ];
    let mut muxer = Muxer::new(Programme::default().config()).unwrap();
    muxer.push(unit(0, 3_600).borrow()).unwrap();
    for (spoil, message) in faults {
        let mut unit = unit(0, 7_200);
        spoil(&mut unit);
        let error = muxer.push(unit.borrow()).expect_err(message).to_string();
        assert!(error.contains(message), "{error:?} lacks {message:?}");
    }
    let mut sound = unit(1, 0);
    sound.arrival = arrival(i64::MAX, i64::MIN);
    muxer.push(sound.borrow()).expect("nothing is said of sound");
    let mut short = unit(1, 1_920);
    short.data.pop();
    let error = muxer.push(short.borrow()).expect_err("a cut frame");
    assert!(matches!(error, PushError::NotAdts { bytes: 299, .. }), "{error}");
    let mut last = unit(0, 7_200);
    last.arrival = arrival(2_160_000 - 270_000_000, 2_160_000);
    muxer.push(last.borrow()).expect("nothing was changed by the refusals");
    muxer.end_stream(StreamIndex(0));
    assert!(matches!(muxer.push(unit(0, 9_000).borrow()), Err(PushError::Ended { .. })));
}

#[test]
fn the_first_picture_must_be_a_random_access_point() {
    let mut muxer = Muxer::new(Programme::default().config()).unwrap();
    let mut first = unit(0, 0);
    first.random_access = false;
    assert!(matches!(muxer.push(first.borrow()), Err(PushError::NoRandomAccess { .. })));
}

#[test]
fn streams_that_begin_far_apart_are_refused() {
    let mut muxer = Muxer::new(Programme::default().config()).unwrap();
    muxer.push(unit(0, 0).borrow()).unwrap();
    assert!(matches!(muxer.push(unit(1, 900_001).borrow()), Err(PushError::DtsGap { .. })));
}

/// Without polling a stream fills up; polling makes room; with the other stream silent nothing does.
#[test]
fn a_full_stream_asks_to_poll_and_a_silent_one_is_named() {
    let mut muxer = Muxer::new(Programme::default().config()).unwrap();
    let mut buffer = [0; PACKET_SIZE * 64];
    let mut dts = 0;
    muxer.push(unit(1, 0).borrow()).unwrap();
    let (mut full, mut pushed) = (0, 0);
    let error = loop {
        match muxer.push(unit(0, dts).borrow()) {
            Ok(()) => (dts, pushed) = (dts + 1800, pushed + 1),
            Err(PushError::Full { .. }) => {
                full += 1;
                drain(&mut muxer, &mut buffer, &mut Output::default());
            }
            Err(error) => break error,
        }
        assert!(pushed < 5_000, "bounded");
    };
    assert!(full >= 1);
    let stalled = matches!(&error, PushError::Stalled { waiting_for: StreamIndex(1), .. });
    assert!(stalled, "{error}");
    assert_eq!(muxer.poll(&mut buffer), Poll::NeedInput { stream: StreamIndex(1) });
    muxer.end_stream(StreamIndex(1));
    muxer
        .push(unit(0, dts).borrow())
        .map_or_else(|error| assert!(matches!(error, PushError::Full { .. })), drop);
    assert!(matches!(muxer.poll(&mut buffer), Poll::Packets(_)));
}

#[test]
fn a_buffer_below_a_packet_is_told_so() {
    let mut muxer = Muxer::new(Programme::default().config()).unwrap();
    muxer.push(unit(0, 0).borrow()).unwrap();
    muxer.finish();
    assert_eq!(muxer.poll(&mut [0; PACKET_SIZE - 1]), Poll::OutputTooSmall);
    assert!(matches!(muxer.poll(&mut [0; PACKET_SIZE]), Poll::Packets(_)));
}

/// A stream at twice its configured rate is reported unit by unit, and goes out whole all the same.
#[test]
fn units_beyond_their_rate_are_reported_late() {
    let programme = Programme { cpb_bits: 400_000, ..Programme::default() };
    let mut fast = programme.clone();
    (fast.video_bps, fast.cpb_bits) = (programme.video_bps * 2, 4_000_000);
    let units = fast.units();
    let output = mux(programme.config(), &units);
    let late = output.events.len();
    assert!(late > 10, "{late} late units");
    for event in &output.events {
        let MuxEvent::AccessUnitLate { stream, dts, complete } = *event else { panic!("{event:?}") };
        assert_eq!(stream, StreamIndex(0));
        assert!(complete.0 > dts.0 * 300 - 30 * 27_000);
    }
    let pes = crate::reader::pes_packets(&crate::reader::packets(&output));
    assert_eq!(pes.len(), units.len());
}

proptest! {
    /// Any bytes with any stamps are taken or refused; what is taken comes out in whole packets.
    #[test]
    fn any_input_is_taken_or_refused(
        units in proptest::collection::vec(
            (0usize..4, -4_000i64..400_000, 0i64..9_000, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..300), (0u8..3, proptest::option::of((0i64..300_000_000, 0i64..20_000_000)))),
            0..60,
        ),
        seed: u64,
    ) {
        let mut muxer = Muxer::new(Programme::default().config()).unwrap();
        let (mut output, mut noise) = (Output::default(), Noise(seed));
        let mut taken = 0;
        for (stream, dts, offset, random_access, noise_bytes, (kind, before)) in units {
            let data = match kind {
                0 => noise_bytes,
                1 => picture(&mut noise, noise_bytes.len(), random_access),
                _ => adts(&mut noise, noise_bytes.len().max(7)),
            };
            // Some of them too early, some not over in time.
            let arrival = before.and_then(|(from, lasts)| arrival(dts * 300 - from, dts * 300 - from + lasts));
            let unit = Unit { stream, pts: dts + offset, dts, random_access, arrival, data };
            taken += usize::from(muxer.push(unit.borrow()).is_ok());
            if noise.below(4) == 0 {
                drain(&mut muxer, &mut [0; PACKET_SIZE * 3], &mut output);
            }
        }
        muxer.finish();
        drain(&mut muxer, &mut [0; PACKET_SIZE * 3], &mut output);
        prop_assert_eq!(muxer.poll(&mut [0; PACKET_SIZE]), Poll::Finished);
        prop_assert_eq!(crate::reader::pes_packets(&crate::reader::packets(&output)).len(), taken);
    }
}
