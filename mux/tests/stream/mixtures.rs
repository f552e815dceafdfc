//! Streams of every kind, alone and mixed, at both rates: nothing that a decoder of theirs must hold to is
//! broken.

use crate::drive::{Output, mux, mux_erratically};
use crate::elementary::Unit;
use crate::kinds::{KINDS, Kind, Track};
use crate::reader::{self, Decoder, Decoders};
use proptest::prelude::*;
use retrovue_mux::si::Ac3Signalling;
use retrovue_mux::{MuxConfig, MuxRate};

pub(crate) struct Mixture {
    pub(crate) config: MuxConfig,
    pub(crate) units: Vec<Unit>,
    pub(crate) decoders: Decoders,
}

/// A programme of these tracks; its second and later PIDs follow the first.
pub(crate) fn mixture(tracks: &[Track]) -> Mixture {
    let streams = tracks.iter().zip(0x100..).map(|(track, pid)| track.config(pid)).collect();
    let mut units: Vec<Unit> = tracks.iter().enumerate().flat_map(|(n, track)| track.units(n)).collect();
    units.sort_by_key(|unit| (unit.dts, unit.stream));
    let decoders = (0x100..).zip(tracks).map(|(pid, track)| (pid, track.decoder())).collect();
    Mixture { config: MuxConfig::new("Retro One", streams), units, decoders }
}

impl Mixture {
    /// At the smallest constant rate, and that rate.
    pub(crate) fn constant(&self) -> (MuxConfig, u64) {
        let mut config = self.config.clone();
        let bps = config.smallest_constant_bps();
        config.rate = MuxRate::Constant { bps };
        (config, bps)
    }

    fn check_content(&self, output: &Output) {
        let pes = reader::pes_packets(&reader::packets(output));
        for (pid, stream) in (0x100..).zip(0..self.config.streams.len()) {
            let sent: Vec<&Unit> =
                self.units.iter().filter(|unit| unit.stream == stream && !unit.data.is_empty()).collect();
            let got: Vec<_> = pes.iter().filter(|pes| pes.pid == pid).collect();
            assert_eq!(sent.len(), got.len(), "units of stream {stream}");
            for (sent, got) in sent.iter().zip(got) {
                assert_eq!((sent.pts, sent.dts), (got.pts, got.dts), "stream {stream}");
                assert_eq!(sent.data, got.data, "stream {stream}");
            }
        }
    }

    pub(crate) fn check(&self) {
        let output = mux(self.config.clone(), &self.units);
        assert_eq!(output.events, [], "at a variable rate");
        reader::check_decoders(&output, &self.decoders);
        self.check_content(&output);
        let (config, bps) = self.constant();
        let output = mux(config, &self.units);
        assert_eq!(output.events, [], "at a constant rate");
        reader::check_constant_decoders(&output, bps, &self.decoders);
        self.check_content(&output);
    }
}

/// Each kind beside what it needs for a clock, at several sizes.
#[test]
fn each_kind_keeps_to_its_decoder() {
    for kind in KINDS {
        for size in [0, 3, 64, 100, 201, 255] {
            let track = Track { kind, size, seed: u64::from(size) };
            let clock = Track { kind: Kind::H264, size: 9, seed: 5 };
            if kind.is_video() || kind.is_sound() {
                mixture(&[track]).check();
            }
            mixture(&[clock, track]).check();
        }
    }
}

/// Pictures beside sounds that leave over all their time.
#[test]
fn pictures_keep_their_time_beside_several_long_sounds() {
    let track = |kind, size, seed| Track { kind, size, seed };
    let sounds = [
        track(Kind::EnhancedAc3(Ac3Signalling::Atsc), 0, 0),
        track(Kind::Ac3(Ac3Signalling::Dvb), 201, 613_768_956_117),
        track(Kind::EnhancedAc3(Ac3Signalling::Dvb), 202, 9_200_607_669_368_687_360),
    ];
    let pictures = track(Kind::H264, 36, 6_838_144_923_000_128_348);
    mixture(&[&[pictures], &sounds[..]].concat()).check();
}

fn tracks() -> impl Strategy<Value = Vec<Track>> {
    let kinds = |from: usize, to: usize| (from..to).prop_map(|kind| KINDS[kind]);
    let track =
        |kind| (kind, any::<u8>(), any::<u64>()).prop_map(|(kind, size, seed)| Track { kind, size, seed });
    let first = track(kinds(0, 10).boxed());
    let others = prop::collection::vec(track(prop_oneof![1 => kinds(0, 4), 9 => kinds(4, 13)].boxed()), 0..8);
    (first, others).prop_map(|(first, others)| std::iter::once(first).chain(others).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Up to eight streams of any kind: nothing is late, no buffer overflows, all comes out as it went in.
    #[test]
    fn any_mixture_keeps_to_its_decoders(tracks in tracks()) {
        mixture(&tracks).check();
    }

    /// Neither do polls matter.
    #[test]
    fn polling_makes_no_difference(tracks in tracks(), seed: u64) {
        let mixture = mixture(&tracks);
        for config in [mixture.config.clone(), mixture.constant().0] {
            let plain = mux(config.clone(), &mixture.units);
            prop_assert!(plain == mux_erratically(config, &mixture.units, seed));
        }
    }
}

/// The reader finds a decoder that is a little smaller than what was sent for.
#[test]
fn a_smaller_decoder_is_found() {
    for (kind, spoil) in [
        (Kind::Subtitles, (|decoder| decoder.rx = 20_000) as fn(&mut Decoder)),
        (Kind::Ac3(retrovue_mux::si::Ac3Signalling::Dvb), |decoder| decoder.buffer = 1_700),
        (Kind::Teletext, |decoder| decoder.stay = 5 * reader::MS),
        (Kind::Layer2, |decoder| decoder.early = 60 * reader::MS),
    ] {
        let clock = Track { kind: Kind::H264, size: 9, seed: 5 };
        let mut mixture = mixture(&[clock, Track { kind, size: 5, seed: 5 }]);
        spoil(mixture.decoders.get_mut(&0x101).expect("a decoder"));
        let found = std::panic::catch_unwind(move || {
            let output = mux(mixture.config.clone(), &mixture.units);
            reader::check_decoders(&output, &mixture.decoders)
        });
        assert!(found.is_err(), "{kind:?}");
    }
}
