//! Pictures that take all that their HRD allows, at the smallest constant rate there is: a packet lasts 2.5 ms, and
//! what the stream loses of its time it hardly makes up for.

use crate::drive::mux;
use crate::elementary::{Noise, Programme, Unit, picture};
use crate::hrd::Hrd;
use crate::reader;
use retrovue_mux::{CueConfig, MuxConfig, MuxRate, Pid};

const BPS: u64 = 600_000;

/// 90 kHz ticks from picture to picture.
const PICTURE: i64 = 18_000;

const VIDEO: u16 = 0x100;

/// 27 MHz ticks from packet to packet of pictures, rounded up.
const INTERVAL: i64 = 230_000;

fn programme(seed: u64, seconds: i64) -> Programme {
    Programme {
        seed,
        rate: (5, 1),
        pictures: seconds * 5,
        gop: 5,
        b_pictures: 0,
        video_bps: 150 * 1024,
        cpb_bits: 300 * 256,
        audio_bps: 32_000,
        days: Some(2),
        ..Programme::default()
    }
}

fn config(programme: &Programme) -> MuxConfig {
    let mut config = programme.config();
    let video = config.streams[0].clone().with_units_per_second(5);
    config.streams[0] = video;
    config.cues = Some(CueConfig { heartbeat_s: Some(60), ..CueConfig::new(Pid::DEFAULT_CUES) });
    assert!(config.smallest_constant_bps() <= BPS);
    config.rate = MuxRate::Constant { bps: BPS };
    config
}

/// Calm, in which the buffer is mostly full and pictures wait for room, and storms, in which it runs empty.
fn units(programme: &Programme) -> Vec<Unit> {
    let mut noise = Noise(programme.seed);
    let refill = programme.video_bps / 5;
    let (mut bucket, mut storm) = (programme.cpb_bits * 9 / 10, 0);
    let mut hrd = Hrd::new(programme.video_bps, programme.cpb_bits, bucket);
    let mut units: Vec<Unit> = programme.units().into_iter().filter(|unit| unit.stream != 0).collect();
    for k in 0..programme.pictures {
        let random_access = k % programme.gop == 0;
        let most = (bucket / 8).saturating_sub(64).max(64);
        if random_access && noise.below(3) == 0 {
            storm = noise.below(30) as i64;
        }
        storm -= 1;
        let size = if storm >= 0 {
            most - noise.below(20).min(most / 2)
        } else if noise.below(3) == 0 {
            noise.below(most).max(64)
        } else {
            (refill / 8).min(most)
        };
        bucket = (bucket.saturating_sub(size * 8) + refill).min(programme.cpb_bits);
        let dts = programme.start + k * PICTURE;
        let data = picture(&mut noise, size as usize, random_access);
        let arrival = programme.arrivals.then(|| hrd.arrival(dts, data.len()));
        units.push(Unit { stream: 0, pts: dts, dts, random_access, arrival, data });
    }
    units.sort_by_key(|unit| (unit.dts, unit.stream));
    units
}

/// A packet that only carries a PCR takes as much time in the transport buffer as any other. It goes only where
/// pictures wait for room in the decoder's buffer, and when the wait is over they go on at once.
#[test]
fn a_pcr_of_its_own_takes_no_time_of_pictures() {
    let programme = programme(2, 120);
    let output = mux(config(&programme), &units(&programme));
    assert_eq!(output.events, [], "nothing is late");
    let seen = reader::packets(&output);
    let (mut alone, mut at_once) = (0, 0);
    for (place, lone) in seen.iter().enumerate() {
        if lone.pid != VIDEO || lone.has_payload {
            continue;
        }
        let pictures = |packet: &&reader::Seen| packet.pid == VIDEO && packet.has_payload;
        let (Some(before), Some(next)) =
            (seen[..place].iter().rev().find(pictures), seen[place..].iter().find(pictures))
        else {
            continue;
        };
        // Room comes when a picture is decoded, at the latest one before the next packet.
        let room = next.at.div_euclid(PICTURE * 300) * PICTURE * 300;
        assert!(next.start || room > before.at, "a picture's packet was held back at {}", lone.at);
        alone += 1;
        let is_last =
            seen[place + 1..].iter().find(|packet| packet.pid == VIDEO).is_some_and(|p| p.at == next.at);
        if !next.start && is_last && room > lone.at + INTERVAL {
            let free = output.departures.iter().zip(output.bytes.chunks_exact(188)).any(|(&at, packet)| {
                (room..next.at).contains(&at) && packet[1] & 0x1F == 0x1F && packet[2] == 0xFF
            });
            assert!(!free, "a null packet left in the pictures' place between {room} and {}", next.at);
            at_once += 1;
        }
    }
    assert!(alone > 100 && at_once > 20, "{alone} PCRs of their own, {at_once} long before there was room");
}

/// Pictures that wait for their arrival in the encoder's own decoder have no time to lose behind it, and are in time.
#[test]
fn pictures_that_keep_to_their_arrival_are_in_time() {
    for seed in 0..12 {
        let programme = Programme { arrivals: true, ..programme(seed, 120) };
        let output = mux(config(&programme), &units(&programme));
        assert_eq!(output.events, [], "seed {seed}");
        let rx = (programme.video_bps * 6 / 5) as i64;
        reader::check_constant(&output, BPS, rx, (programme.cpb_bits / 8) as i64 + 11_200);
    }
}
