//! What holds for every programme whose pictures keep to their VBV.

use crate::drive::{mux, mux_erratically};
use crate::elementary::{Noise, Programme, Unit, adts};
use crate::kinds::enhanced_ac3;
use crate::reader::{self, MS};
use proptest::prelude::*;
use retrovue_mux::si::Ac3Signalling;
use retrovue_mux::{CpbArrival, MuxConfig, MuxRate, Pid, StreamConfig, StreamKind};
use retrovue_timebase::Ticks27M;

const RATES: [(i64, i64); 6] = [(24_000, 1001), (25, 1), (30, 1), (30_000, 1001), (50, 1), (60, 1)];

fn programmes() -> impl Strategy<Value = Programme> {
    let sizes = (
        1_000_000u64..12_000_000,
        200u64..1_500,
        64_000u64..256_000,
        0usize..3,
        (prop::option::weighted(0.3, 0u8..9), any::<bool>()),
    );
    (any::<u64>(), 0..RATES.len(), 20i64..120, 1i64..70, 0i64..3, sizes, -(1i64 << 40)..1 << 40).prop_map(
        |(
            seed,
            rate,
            pictures,
            gop,
            b_pictures,
            (video_bps, cpb_ms, audio_bps, sound_tracks, (days, arrivals)),
            start,
        )| {
            Programme {
                seed,
                start,
                rate: RATES[rate],
                pictures,
                gop,
                b_pictures,
                video_bps,
                cpb_bits: video_bps * cpb_ms / 1000,
                arrivals,
                audio_bps,
                sound_tracks,
                days,
            }
        },
    )
}

/// Bytes of MB and EB together for the highest rate made up here, level 4.0 (§2.14.3.1).
fn video_buffer(programme: &Programme) -> i64 {
    (programme.cpb_bits / 8) as i64 * 6 / 5 + (programme.video_bps / 8) as i64 / 10
}

fn video_rx(programme: &Programme) -> i64 {
    (programme.video_bps * 6 / 5) as i64
}

/// Its configuration at a constant rate `spare_permille` over the smallest that is accepted.
fn constant(programme: &Programme, spare_permille: u64) -> (MuxConfig, u64) {
    let mut config = programme.config();
    config.streams[0].units_per_second =
        ((programme.rate.0 + programme.rate.1 - 1) / programme.rate.1) as u32;
    let bps = config.smallest_constant_bps() * (1000 + spare_permille) / 1000;
    config.rate = MuxRate::Constant { bps };
    (config, bps)
}

/// EB, and what is ahead of the HRD in MB: under 4 ms and 1/750 s at the highest rate of level 3.1.
fn constant_video_buffer(programme: &Programme) -> i64 {
    (programme.cpb_bits / 8) as i64 + 11_200
}

/// No picture leaves sooner than its HRD has it arrive, less what the stream is ahead of it.
fn check_arrivals(output: &crate::drive::Output, units: &[Unit], config: &MuxConfig) {
    let StreamKind::Video { max_bitrate_bps, cpb_bits, .. } = config.streams[0].kind else {
        panic!("pictures")
    };
    let full = (cpb_bits as i64 * 27_000_000 + max_bitrate_bps as i64 - 1) / max_bitrate_bps as i64;
    let ahead = config.lead().unwrap().0 - full;
    let seen = reader::packets(output);
    let starts = seen.iter().filter(|packet| packet.pid == 0x100 && packet.start);
    for (unit, start) in units.iter().filter(|unit| unit.stream == 0).zip(starts) {
        let Some(arrival) = unit.arrival else { continue };
        assert!(start.at >= arrival.initial.0 - ahead, "DTS {} leaves at {}", unit.dts, start.at);
    }
}

/// The units must come out as they went in.
fn check_content(output: &crate::drive::Output, units: &[Unit]) {
    let pes = reader::pes_packets(&reader::packets(output));
    for stream in 0..8 {
        let sent: Vec<&Unit> = units.iter().filter(|unit| unit.stream == stream).collect();
        let got: Vec<_> = pes.iter().filter(|pes| pes.pid == 0x100 + stream as u16).collect();
        assert_eq!(sent.len(), got.len());
        for (sent, got) in sent.iter().zip(got) {
            assert_eq!(sent.pts.rem_euclid(1 << 33), got.pts);
            assert_eq!(sent.dts.rem_euclid(1 << 33), got.dts);
            assert_eq!(sent.random_access && stream == 0, got.random_access);
            assert_eq!(sent.data, got.data);
            let stream_id = if stream == 0 { 0xE0 } else { 0xC0 + stream as u8 - 1 };
            assert_eq!(got.stream_id, stream_id);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Sync, counters, PCR, tables, random access, transport and decoder buffers, content; no event.
    #[test]
    fn every_programme_keeps_the_rules(programme in programmes()) {
        let units = programme.units();
        let output = mux(programme.config(), &units);
        prop_assert_eq!(&output.events, &[]);
        reader::check(&output, video_rx(&programme), video_buffer(&programme));
        check_content(&output, &units);
        check_arrivals(&output, &units, &programme.config());
    }

    /// The same at a constant rate, from the smallest accepted up to one that no buffer could take in a row.
    #[test]
    fn every_programme_keeps_the_rules_at_a_constant_rate(programme in programmes(), spare in 0u64..4) {
        let (config, bps) = constant(&programme, [0, 10, 300, 5_000][spare as usize]);
        let units = programme.units();
        let output = mux(config.clone(), &units);
        prop_assert_eq!(&output.events, &[]);
        reader::check_constant(&output, bps, video_rx(&programme), constant_video_buffer(&programme));
        check_content(&output, &units);
        check_arrivals(&output, &units, &config);
    }

    /// A receiver that interpolates arrival between PCRs still has each unit in time, and its transport
    /// buffers hold.
    #[test]
    fn interpolated_arrival_is_in_time(programme in programmes()) {
        let output = mux(programme.config(), &programme.units());
        let buffer = video_buffer(&programme) + (programme.video_bps / 8 / 10) as i64;
        let figures = reader::check_interpolated(&output, video_rx(&programme), buffer);
        prop_assert!(figures.least_margin >= 0);
        // Where the rate leaves room for the others under the drain rate, its transport buffer holds
        // too. Several sound tracks may leave in step and press a short unit for a moment.
        let others = programme.audio_bps * 9 / 8 + 50_000 + 100_000;
        let has_room = programme.sound_tracks <= 1 && programme.video_bps * 17 / 100 >= others + 106_000;
        for (pid, fullest) in figures.fullest_tb {
            prop_assert!(fullest <= 512 || (pid == 0x100 && !has_room), "TB of PID {pid:#x}: {fullest}");
        }
    }

    /// Bytes, departures and events do not depend on how pushes and polls were mixed.
    #[test]
    fn chunking_makes_no_difference(programme in programmes(), seed: u64) {
        let units = programme.units();
        // Another order across streams: all sound of a stretch before its pictures.
        let mut reordered = units.clone();
        reordered.sort_by_key(|unit| (unit.dts.div_euclid(30_000), std::cmp::Reverse(unit.stream), unit.dts));
        for config in [programme.config(), constant(&programme, seed % 400).0] {
            let plain = mux(config.clone(), &units);
            prop_assert!(plain == mux_erratically(config.clone(), &units, seed));
            prop_assert!(plain == mux_erratically(config, &reordered, seed ^ 1));
        }
    }
}

/// PTS, DTS and PCR each cross their wrap inside the programme.
#[test]
fn stamps_wrap_where_they_are_written() {
    for rate in RATES {
        let start = (1i64 << 33) - 90_000 / 2;
        let programme = Programme { start, rate, pictures: 70, ..Programme::default() };
        let units = programme.units();
        let output = mux(programme.config(), &units);
        reader::check(&output, video_rx(&programme), video_buffer(&programme));
        check_content(&output, &units);
        let seen = reader::packets(&output);
        let clocks: Vec<i64> = seen.iter().filter_map(|packet| packet.pcr).collect();
        assert!(clocks.windows(2).any(|pair| pair[1] < pair[0]), "the PCR wrapped");
    }
}

/// Pictures far between and tiny: PCR, PAT and PMT go on in packets of their own.
#[test]
fn pauses_are_filled() {
    let programme = Programme { rate: (1, 1), pictures: 6, gop: 2, b_pictures: 0, ..Programme::default() };
    let units: Vec<Unit> = programme
        .units()
        .into_iter()
        .map(|mut unit| {
            unit.data.truncate(if unit.stream == 0 { 900 } else { usize::MAX });
            unit
        })
        .collect();
    let output = mux(programme.config(), &units);
    let figures = reader::check(&output, video_rx(&programme), video_buffer(&programme));
    assert!(figures.longest_pcr_gap >= 30 * MS);
}

/// A stream that goes on alone after the others were ended keeps its clock and its tables.
#[test]
fn sound_goes_on_after_the_picture_ended() {
    let programme = Programme::default();
    let mut units = programme.units();
    units.retain(|unit| unit.stream == 1 || unit.dts < 45_000);
    let output = mux(programme.config(), &units);
    reader::check(&output, video_rx(&programme), video_buffer(&programme));
    check_content(&output, &units);
}

/// Sound alone carries the clock itself.
#[test]
fn a_programme_of_sound_alone() {
    let mut config = Programme::default().config();
    config.streams.remove(0);
    let mut units = Programme::default().units();
    units.retain(|unit| unit.stream == 1);
    units.iter_mut().for_each(|unit| unit.stream = 0);
    let output = mux(config, &units);
    let figures = reader::check(&output, 2_000_000, 3584);
    assert!(figures.fullest_audio_b <= 3584);
}

/// A rate far above the transport buffer's: it is empty at least once a second all the same (§2.4.2.7).
#[test]
fn a_transport_buffer_is_emptied_while_a_large_decoder_buffer_fills() {
    let programme = Programme {
        rate: (25, 1),
        pictures: 100,
        gop: 10,
        b_pictures: 1,
        video_bps: 1_594_816,
        cpb_bits: 2_314_064,
        sound_tracks: 0,
        ..Programme::default()
    };
    let (config, bps) = constant(&programme, 5_000);
    let output = mux(config, &programme.units());
    assert_eq!(output.events, []);
    reader::check_constant(&output, bps, video_rx(&programme), constant_video_buffer(&programme));
}

/// The picture's stream ends before it began: its PID still carries the clock.
#[test]
fn a_picture_that_never_comes() {
    let programme = Programme { pictures: 30, ..Programme::default() };
    let mut units = programme.units();
    units.retain(|unit| unit.stream == 1);
    let output = mux(programme.config(), &units);
    let seen = reader::packets(&output);
    assert_eq!(seen[..5].iter().map(|p| p.pid).collect::<Vec<_>>(), [0, 0x1000, 0x11, 0x100, 0x101]);
    assert!(seen[3].pcr.is_some() && !seen[3].has_payload);
    assert!(mux(programme.config(), &[]).bytes.is_empty());
}

/// An access unit without a delimiter gets one; the rest of it is untouched.
#[test]
fn a_missing_delimiter_is_put_in_front() {
    let programme = Programme { pictures: 3, sound_tracks: 0, ..Programme::default() };
    let mut units = programme.units();
    for unit in &mut units {
        unit.data.drain(..6);
    }
    let output = mux(programme.config(), &units);
    for (pes, unit) in reader::pes_packets(&reader::packets(&output)).iter().zip(&units) {
        assert_eq!(pes.data[..6], [0, 0, 0, 1, 9, 0xF0]);
        assert_eq!(pes.data[6..], unit.data);
    }
}

/// Random access points so close that the tables' own interval would often fall just before them: none
/// is held up so long, and so often, that pictures run late.
#[test]
fn dense_points_are_not_held_up_by_the_tables() {
    for seed in 0..24 {
        let rate = RATES[seed as usize % RATES.len()];
        let gop = 1 + seed as i64 % 5;
        let programme = Programme {
            seed,
            rate,
            gop,
            b_pictures: i64::from(gop > 2),
            video_bps: 2_000_000,
            cpb_bits: 700_000,
            pictures: 120,
            ..Programme::default()
        };
        let output = mux(programme.config(), &programme.units());
        assert_eq!(output.events, [], "seed {seed}");
        reader::check(&output, video_rx(&programme), video_buffer(&programme));
    }
}

/// By the PCRs alone, which at a variable rate are all that a receiver knows of arrival: sections of one table are
/// 25 ms apart however low the rate (EN 300 468 §5.1.4).
#[test]
fn sections_of_a_table_are_apart_by_the_clock_of_receivers() {
    let programme = Programme {
        rate: (5, 1),
        gop: 5,
        pictures: 150,
        video_bps: 200_000,
        cpb_bits: 100_000,
        audio_bps: 32_000,
        days: Some(3),
        ..Programme::default()
    };
    let mut config = programme.config();
    config.streams[0].units_per_second = 5;
    let output = mux(config, &programme.units());
    let mut seen = reader::packets(&output);
    let clock: Vec<(usize, i64)> =
        seen.iter().enumerate().filter_map(|(n, packet)| packet.pcr.map(|_| (n, packet.at))).collect();
    for pair in clock.windows(2) {
        let ((first, from), (last, to)) = (pair[0], pair[1]);
        for (n, packet) in seen[first..last].iter_mut().enumerate() {
            packet.at = from + (to - from) * n as i64 / (last - first) as i64;
        }
    }
    let (begin, end) = (clock[0].1, clock[clock.len() - 1].1);
    let mut compared = 0;
    for pid in [0x10, 0x11, 0x12] {
        let mut ends = std::collections::BTreeMap::new();
        for (from, to, bytes) in reader::sections(&seen, pid) {
            if from > begin
                && to < end
                && let Some(before) = ends.insert((bytes[0], bytes[3], bytes[4]), to)
            {
                assert!(from - before >= 25 * MS, "table {:#x}: {} ticks", bytes[0], from - before);
                compared += 1;
            }
        }
    }
    assert!(compared > 150, "{compared} distances");
}

/// Two sounds whose units fall together, at the smallest rate there is: pictures lose no time to them that they could not
/// make up for, however long it goes on.
#[test]
fn sounds_in_step_leave_pictures_their_time() {
    for arrivals in [false, true] {
        let programme = Programme {
            rate: (25, 1),
            pictures: 1_000,
            gop: 28,
            b_pictures: 0,
            video_bps: 1_488_536,
            cpb_bits: 1_643_343,
            arrivals,
            audio_bps: 226_125,
            sound_tracks: 2,
            ..Programme::default()
        };
        let mut units = programme.units();
        let average = (programme.audio_bps * 1024 / 48_000 / 8) as usize;
        for unit in units.iter_mut().filter(|unit| unit.stream > 0) {
            unit.data = adts(&mut Noise(unit.dts as u64), average);
        }
        let (config, bps) = constant(&programme, 0);
        let output = mux(config, &units);
        assert_eq!(output.events, [], "arrivals told: {arrivals}");
        reader::check_constant(&output, bps, video_rx(&programme), constant_video_buffer(&programme));
    }
}

/// A stream begins when its HRD does: so much sooner as its buffer is to be filled before the first picture.
#[test]
fn a_stream_begins_with_its_hrd() {
    let programme = Programme { sound_tracks: 0, arrivals: true, ..Programme::default() };
    let full = (programme.cpb_bits * 27_000_000 / programme.video_bps) as i64;
    for config in [programme.config(), constant(&programme, 100).0] {
        let lead = config.lead().unwrap().0;
        let begins = |first: Option<i64>| {
            let mut units = programme.units();
            // The others come behind one another, and none waits.
            for unit in &mut units {
                unit.arrival = None;
            }
            units[0].arrival =
                first.map(|initial| CpbArrival { initial: Ticks27M(initial), complete: Ticks27M(0) });
            mux(config.clone(), &units).departures[0]
        };
        assert_eq!(begins(None), -lead);
        assert_eq!(begins(Some(-full)), -lead);
        assert_eq!(begins(Some(-full * 9 / 10)), -lead + full / 10);
        assert_eq!(begins(Some(-full / 2)), -lead + full / 2);
        // No sooner than without, however large the encoder's buffer.
        assert_eq!(begins(Some(-full * 2)), -lead);
    }
}

/// The same of two sounds with long frames.
#[test]
fn long_sounds_in_step_leave_pictures_their_time() {
    for arrivals in [false, true] {
        let programme = Programme {
            rate: (25, 1),
            pictures: 750,
            gop: 28,
            b_pictures: 0,
            video_bps: 1_840_000,
            cpb_bits: 517_000,
            arrivals,
            sound_tracks: 0,
            ..Programme::default()
        };
        let mut units = programme.units();
        let mut config = programme.config();
        for (stream, signalling, kbps) in [(1, Ac3Signalling::Atsc, 1_000), (2, Ac3Signalling::Dvb, 779)] {
            let pid = Pid::new(0x100 + stream as u16);
            config.streams.push(StreamConfig::enhanced_ac3(signalling, kbps as u64 * 1_000).on_pid(pid));
            units.extend((0..30 * 90_000 / 2_880).map(|n| {
                let data = enhanced_ac3(&mut Noise(n as u64), kbps * 4);
                Unit { stream, pts: n * 2_880, dts: n * 2_880, random_access: true, arrival: None, data }
            }));
        }
        units.sort_by_key(|unit| (unit.dts, unit.stream));
        config.streams[0].units_per_second = 25;
        config.rate = MuxRate::Constant { bps: config.smallest_constant_bps() };
        assert_eq!(mux(config, &units).events, [], "arrivals told: {arrivals}");
    }
}

/// Pictures that arrive hardly before their DTS wait beside others that fill a buffer of five seconds: whoever pushes in
/// the order of DTS is not asked for what he has pushed.
#[test]
fn late_arrivals_wait_beside_a_long_lead() {
    let programme = Programme { rate: (50, 1), pictures: 600, sound_tracks: 0, ..Programme::default() };
    let video = StreamConfig::h264(4_000_000, 20_000_000).with_units_per_second(50);
    let streams = vec![video.clone(), video.on_pid(Pid::new(0x101))];
    let mut units = Vec::new();
    for unit in programme.units() {
        let at = unit.dts * 300;
        let arrival = Some(CpbArrival { initial: Ticks27M(at - 60 * MS), complete: Ticks27M(at) });
        let data = unit.data[..unit.data.len().min(4_000)].to_vec();
        units.push(Unit { data: data.clone(), arrival, ..unit.clone() });
        units.push(Unit { stream: 1, data, ..unit });
    }
    assert_eq!(mux(MuxConfig::new("Retro One", streams), &units).events, []);
}
