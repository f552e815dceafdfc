//! Bytes that must stay: per case a readable dump, one line per packet, and the hash of the bytes.
//! `RETROVUE_BLESS=1` rewrites both; where `CI=true` that is refused.

use crate::cues::{self, Given};
use crate::drive::{Output, drain, mux, mux_erratically, mux_with, push};
use crate::elementary::{Noise, Programme, Unit};
use crate::kinds::{Kind, Track};
use crate::mixtures::mixture;
use crate::reader;
use retrovue_mux::si::{Ac3Signalling, Descriptor};
use retrovue_mux::splice::SpliceTime;
use retrovue_mux::{ConfigError, MuxConfig, MuxRate, Muxer, Resume, StreamIndex};
use retrovue_timebase::Ticks90k;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::Path;

/// A second of a small programme.
fn small(seed: u64) -> Programme {
    Programme {
        seed,
        start: 1_700_000_000_000 * 90,
        rate: (30_000, 1001),
        pictures: 30,
        gop: 12,
        video_bps: 700_000,
        cpb_bits: 350_000,
        audio_bps: 96_000,
        ..Programme::default()
    }
}

fn check(case: &str, outputs: &[Output]) {
    let mut dump = String::new();
    let mut hash = Sha256::new();
    for (session, output) in outputs.iter().enumerate() {
        if outputs.len() > 1 {
            writeln!(dump, "session {session}").unwrap();
        }
        dump_packets(&mut dump, output);
        hash.update(&output.bytes);
    }
    let hash = hash.finalize().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")) + "\n";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden").join(case);
    if std::env::var("RETROVUE_BLESS").is_ok_and(|value| value == "1") {
        assert!(!std::env::var("CI").is_ok_and(|value| value == "true"), "CI never blesses");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("dump.txt"), &dump).unwrap();
        std::fs::write(folder.join("sha256.txt"), &hash).unwrap();
        return;
    }
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    let blessed = read("dump.txt");
    for (number, (old, new)) in blessed.lines().zip(dump.lines()).enumerate() {
        assert_eq!(old, new, "{case}: line {} of the dump", number + 1);
    }
    assert_eq!(blessed.lines().count(), dump.lines().count(), "{case}: lines of the dump");
    assert_eq!(read("sha256.txt"), hash, "{case}: same dump, other bytes");
}

/// One line per packet: departure from the first in ticks, PID, counter, flags, stamps, payload.
fn dump_packets(text: &mut String, output: &Output) {
    let seen = reader::packets(output);
    let mut units = reader::pes_packets(&seen).into_iter();
    let origin = seen.first().map_or(0, |packet| packet.at);
    writeln!(text, "origin {origin}").unwrap();
    for packet in &seen {
        write!(text, "+{:<9} {:04x} cc{:<2}", packet.at - origin, packet.pid, packet.counter).unwrap();
        for (flag, name) in
            [(packet.start, "start"), (packet.discontinuity, "discontinuity"), (packet.random_access, "rai")]
        {
            if flag {
                write!(text, " {name}").unwrap();
            }
        }
        if let Some(pcr) = packet.pcr {
            write!(text, " pcr {pcr}").unwrap();
        }
        if packet.start && reader::is_elementary(packet.pid) {
            let unit = units.next().expect("a unit for each start");
            write!(text, " pts {} dts {} of {}", unit.pts, unit.dts, unit.data.len()).unwrap();
        }
        if packet.has_payload {
            write!(text, " [{}]", packet.payload.len()).unwrap();
        }
        text.push('\n');
    }
}

#[test]
fn mux_vbr() {
    let programme = small(11);
    let output = mux(programme.config(), &programme.units());
    assert!(output == mux_erratically(programme.config(), &programme.units(), 5));
    check("mux-vbr", &[output]);
}

/// PTS, DTS and PCR cross their wrap within the case.
#[test]
fn mux_wrap() {
    let programme = Programme { start: 500 * (1 << 33) - 30_000, ..small(12) };
    check("mux-wrap", &[mux(programme.config(), &programme.units())]);
}

/// A session cut off after ten pictures and the one that goes on two seconds later.
#[test]
fn mux_resume() {
    let first = Programme { pictures: 10, ..small(13) };
    let mut muxer = Muxer::new(first.config()).unwrap();
    let before = mux_with(&mut muxer, &first.units());
    let second = Programme { start: first.start + 2 * 90_000, pictures: 10, ..small(14) };
    let mut config = second.config();
    config.resume = Some(Resume { discontinuity: true, counters: muxer.counters().collect() });
    let after = mux(config, &second.units());
    check("mux-resume", &[before, after]);
}

/// The same programme at `spare_permille` over the smallest constant rate that is accepted.
fn at_constant_rate(mut config: MuxConfig, spare_permille: u64) -> MuxConfig {
    config.streams[0].units_per_second = 30;
    let bps = config.smallest_constant_bps() * (1000 + spare_permille) / 1000;
    config.rate = MuxRate::Constant { bps };
    config
}

/// The case, however it is polled.
fn check_polled(case: &str, config: &MuxConfig, units: &[Unit]) {
    let output = mux(config.clone(), units);
    assert_eq!(output.events, [], "{case}");
    for seed in 0..4 {
        assert!(output == mux_erratically(config.clone(), units, seed), "{case}, polled by seed {seed}");
    }
    check(case, &[output]);
}

#[test]
fn mux_cbr() {
    let programme = small(15);
    check_polled("mux-cbr", &at_constant_rate(programme.config(), 200), &programme.units());
}

/// At a constant rate PTS, DTS and PCR cross their wrap.
#[test]
fn mux_cbr_wrap() {
    let programme = Programme { start: 500 * (1 << 33) - 30_000, ..small(16) };
    check_polled("mux-cbr-wrap", &at_constant_rate(programme.config(), 100), &programme.units());
}

/// At the smallest rate that is accepted; below it, it is not.
#[test]
fn mux_short_rate() {
    let programme = small(17);
    let mut config = at_constant_rate(programme.config(), 0);
    check_polled("mux-short-rate", &config, &programme.units());
    if let MuxRate::Constant { bps } = &mut config.rate {
        *bps -= 1;
    }
    assert!(matches!(Muxer::new(config), Err(ConfigError::ConstantRateTooLow { .. })));
}

/// Half a second in, a stream's descriptors are others: the map's next version follows at once.
#[test]
fn mux_map_change() {
    let programme = small(18);
    let units = programme.units();
    let middle = units.iter().position(|unit| unit.dts >= programme.start + 45_000).unwrap();
    let run = |seed: Option<u64>| {
        let mut muxer = Muxer::new(programme.config()).unwrap();
        let (mut output, mut noise) = (Output::default(), Noise(seed.unwrap_or(0)));
        for unit in &units[..middle] {
            push(&mut muxer, unit, &mut output);
            // How far it is polled by then is what the change depends on, so to the end in either case.
            if seed.is_some() && noise.below(3) == 0 {
                drain(&mut muxer, &mut vec![0; 188 * (1 + noise.below(9) as usize)], &mut output);
            }
        }
        drain(&mut muxer, &mut [0; 188 * 7], &mut output);
        let language = |language| Descriptor::Language { language, audio_type: 0 };
        muxer.replace_descriptors(StreamIndex(1), vec![language(*b"deu")]).unwrap();
        for unit in &units[middle..] {
            push(&mut muxer, unit, &mut output);
        }
        muxer.finish();
        drain(&mut muxer, &mut [0; 188 * 7], &mut output);
        output
    };
    let output = run(None);
    (0..4).for_each(|seed| assert!(output == run(Some(seed)), "polled by seed {seed}"));
    let maps = reader::sections(&reader::packets(&output), 0x1000);
    let mut versions: Vec<u8> = maps.iter().map(|(_, _, bytes)| bytes[5] >> 1 & 31).collect();
    versions.dedup();
    assert_eq!(versions, [0, 1]);
    check("mux-map-change", &[output]);
}

#[test]
fn mux_sounds() {
    let programme = Programme { sound_tracks: 3, ..small(19) };
    check_polled("mux-sounds", &at_constant_rate(programme.config(), 50), &programme.units());
}

/// NIT, EIT with a day of events, TDT and TOT.
#[test]
fn mux_information() {
    let programme = Programme { days: Some(1), ..small(20) };
    check_polled("mux-information", &at_constant_rate(programme.config(), 50), &programme.units());
}

/// A break cued ahead, one cued late, a long section, and heartbeats where nothing is said.
#[test]
fn mux_cues() {
    let programme = Programme { start: 0, pictures: 150, ..small(21) };
    let units = programme.units();
    let at = |seconds: i64| SpliceTime::At(Ticks90k(seconds * 90_000));
    let given = [
        Given { before: 0, info: cues::out(1, at(6)) },
        Given { before: 0, info: cues::long(7 * 90_000) },
        Given { before: 200, info: cues::out(2, SpliceTime::Immediate) },
    ];
    let config = at_constant_rate(cues::with_cues(programme.config(), Some(1)), 50);
    let output = cues::mux_cues(config.clone(), &units, &given, None);
    assert_eq!(output.events, []);
    for seed in 1..5 {
        assert!(
            output == cues::mux_cues(config.clone(), &units, &given, Some(seed)),
            "polled by seed {seed}"
        );
    }
    check("mux-cues", &[output]);
}

/// HEVC, three codings of sound, teletext, subtitles and ID3 together.
#[test]
fn mux_kinds() {
    let kinds = [
        Kind::Hevc,
        Kind::Ac3(Ac3Signalling::Dvb),
        Kind::EnhancedAc3(Ac3Signalling::Atsc),
        Kind::Layer2,
        Kind::Teletext,
        Kind::Subtitles,
        Kind::Id3,
    ];
    let tracks: Vec<Track> = kinds.into_iter().map(|kind| Track { kind, size: 4, seed: 22 }).collect();
    let mixture = mixture(&tracks);
    check_polled("mux-kinds", &mixture.constant().0, &mixture.units);
}
