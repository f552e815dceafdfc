//! Bytes that must stay: per case a readable dump, one line per packet, and the hash of the bytes.
//! `RETROVUE_BLESS=1` rewrites both; where `CI=true` that is refused.

use crate::drive::{Output, mux, mux_erratically, mux_with};
use crate::elementary::Programme;
use crate::reader;
use retrovue_mux::{Muxer, Resume};
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
