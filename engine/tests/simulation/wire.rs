//! The output as its reader sees it: packets, counters, clocks, and each picture's own account of what
//! it shows. Shares with the muxer only the accessors of packet fields.

use crate::ledger::{Content, Ledger};
use retrovue_mux::{PACKET_SIZE, Pid, ts::Packet};
use retrovue_timebase::{AAC_FRAME_SAMPLES, FrameIndex, FrameRate, Ticks90k, UtcMs};
use std::collections::{BTreeMap, BTreeSet};

/// Stamps wrap here.
const STAMP_WRAP: i64 = 1 << 33;

/// Longest distance of two PCRs: 40 ms at 27 MHz.
const LONGEST_PCR_GAP: i64 = 40 * 27_000;

/// What was learnt from one session's packets.
#[derive(Debug)]
pub(crate) struct Wire {
    rate: FrameRate,
    epoch: UtcMs,
    /// First frame.
    first: i64,
    /// Sound is ahead of the picture by the encoder's delay.
    audio_delay: i64,
    reorder: i64,
    /// Last continuity counter of each PID, of the session before at first.
    counters: BTreeMap<Pid, u8>,
    /// Another session was before: the first packet of each PID is marked.
    resumed: bool,
    seen: BTreeSet<Pid>,
    last_pcr: Option<i64>,
    last_departure: i64,
    pub(crate) pictures: i64,
    pub(crate) sounds: i64,
    /// Every frame before it has been seen.
    pub(crate) whole_end: i64,
    /// Frames seen before one in front of them.
    ahead: BTreeSet<i64>,
    /// FNV-1a of the first 64 bytes of each packet.
    pub(crate) hash: u64,
    pub(crate) packets: u64,
    pub(crate) wrapped: bool,
    last_stamp: Option<i64>,
}

impl Wire {
    /// A reader of a session that begins at frame `first`; `before` holds the counters of the session
    /// that it replaces.
    pub(crate) fn new(
        (rate, epoch, first): (FrameRate, UtcMs, i64),
        audio_delay: i64,
        reorder: i64,
        before: BTreeMap<Pid, u8>,
    ) -> Wire {
        Wire {
            rate,
            epoch,
            first,
            audio_delay,
            reorder,
            resumed: !before.is_empty(),
            seen: BTreeSet::new(),
            counters: before,
            last_pcr: None,
            last_departure: i64::MIN,
            pictures: 0,
            sounds: 0,
            whole_end: first,
            ahead: BTreeSet::new(),
            hash: 0xCBF2_9CE4_8422_2325,
            packets: 0,
            wrapped: false,
            last_stamp: None,
        }
    }

    pub(crate) fn counters(&self) -> BTreeMap<Pid, u8> {
        self.counters.clone()
    }

    /// Reads one packet that leaves at `departure`, 27 MHz. `ledger` is asked what its frame must show.
    pub(crate) fn read(&mut self, bytes: &[u8; PACKET_SIZE], departure: i64, ledger: Option<&Ledger>) {
        self.packets += 1;
        for &byte in &bytes[..64] {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3);
        }
        let packet = match Packet::parse(bytes) {
            Ok(packet) => packet,
            Err(error) => panic!("packet {}: {error}", self.packets),
        };
        let pid = packet.pid();
        assert!(departure > self.last_departure, "departures rise");
        self.last_departure = departure;
        assert!(!packet.transport_error_indicator());
        if pid == Pid::NULL {
            return;
        }
        if let Some(&last) = self.counters.get(&pid) {
            let expected = (last + u8::from(packet.has_payload())) & 15;
            assert_eq!(packet.continuity_counter(), expected, "continuity counter of PID {pid}");
        }
        self.counters.insert(pid, packet.continuity_counter());
        let marked = self.seen.insert(pid) && self.resumed;
        assert_eq!(packet.discontinuity_indicator(), marked, "discontinuity of PID {pid}");
        if let Some(pcr) = packet.adaptation_field().and_then(|field| field.pcr()) {
            assert_eq!(pcr.0, departure.rem_euclid(STAMP_WRAP * 300), "a PCR is its packet's departure");
            let gap = departure - self.last_pcr.unwrap_or(departure);
            assert!(gap <= LONGEST_PCR_GAP, "{gap} ticks without a PCR");
            self.last_pcr = Some(departure);
        }
        if packet.payload_unit_start_indicator() && pid == Pid::DEFAULT_VIDEO {
            self.picture(packet.payload(), packet.random_access_indicator(), ledger);
        }
        if packet.payload_unit_start_indicator() && pid == Pid::DEFAULT_AUDIO {
            self.sound(packet.payload());
        }
    }

    /// PTS and DTS are those of the absolute timeline, and the picture shows what the plan says: frames
    /// in order but for reordering, none twice, none missing (INV-P8-TIMELINE-MONOTONIC).
    fn picture(&mut self, pes: &[u8], random_access: bool, ledger: Option<&Ledger>) {
        let (pts, dts, data) = pes_header(pes);
        let index = i64::from_be_bytes(array(&data[10..18]));
        let stamp = |frame: i64| {
            let ticks: Ticks90k = self.epoch.ticks_90k() + self.rate.ticks_90k_floor(FrameIndex(frame));
            ticks.0.rem_euclid(STAMP_WRAP)
        };
        assert_eq!(pts, stamp(index), "PTS of frame {index}");
        assert_eq!(dts, stamp(self.first + self.pictures - self.reorder), "DTS of picture {}", self.pictures);
        self.wrapped |= self.last_stamp.is_some_and(|last| dts < last);
        self.last_stamp = Some(dts);
        self.pictures += 1;
        assert!(index >= self.whole_end, "frame {index} left twice, or after its time");
        assert!(self.ahead.insert(index), "frame {index} left twice");
        while self.ahead.remove(&self.whole_end) {
            self.whole_end += 1;
        }
        assert!(self.ahead.len() <= 4, "frame {} is missing, {:?} have left", self.whole_end, self.ahead);
        assert_eq!(random_access, data[9] == 0x65, "random access point at frame {index}");
        if let Some(ledger) = ledger {
            let shown = match u32::from_be_bytes(array(&data[18..22])) {
                u32::MAX => Content::Black,
                asset => Content::Asset {
                    asset,
                    in_ms: i64::from_be_bytes(array(&data[22..30])),
                    position: i64::from_be_bytes(array(&data[30..38])),
                },
            };
            assert_eq!(shown, ledger.content(index), "what frame {index} shows");
            assert!(random_access || !ledger.begins_block(index), "no IDR at the block's start {index}");
        }
    }

    fn sound(&mut self, pes: &[u8]) {
        let (pts, ..) = pes_header(pes);
        let sample = self.rate.first_sample(FrameIndex(self.first)).offset(-self.audio_delay);
        let sample = sample.offset(self.sounds * AAC_FRAME_SAMPLES);
        let ticks = self.epoch.ticks_90k() + sample.ticks_90k_floor();
        assert_eq!(pts, ticks.0.rem_euclid(STAMP_WRAP), "PTS of sound {}", self.sounds);
        self.sounds += 1;
    }

    /// Everything up to `end` has left by itself: nothing is missing, of sound neither.
    pub(crate) fn ended(&self, end: i64) {
        assert_eq!(self.whole_end, end, "frames that left");
        assert!(self.ahead.is_empty(), "frames past the end left: {:?}", self.ahead);
        let samples =
            self.rate.first_sample(FrameIndex(end)).0 - self.rate.first_sample(FrameIndex(self.first)).0;
        let sounds = (samples + self.audio_delay + AAC_FRAME_SAMPLES - 1) / AAC_FRAME_SAMPLES;
        assert_eq!(self.sounds, sounds, "sound for {samples} samples");
    }
}

/// PTS, DTS and the data of a PES packet's beginning (ISO/IEC 13818-1 §2.4.3.6).
fn pes_header(pes: &[u8]) -> (i64, i64, &[u8]) {
    assert_eq!(pes[..3], [0, 0, 1], "packet_start_code_prefix");
    let stamp = |b: &[u8]| {
        i64::from(b[0] >> 1 & 7) << 30
            | i64::from(b[1]) << 22
            | i64::from(b[2] >> 1) << 15
            | i64::from(b[3]) << 7
            | i64::from(b[4] >> 1)
    };
    let pts = stamp(&pes[9..14]);
    let dts = if pes[7] & 0x40 != 0 { stamp(&pes[14..19]) } else { pts };
    (pts, dts, &pes[9 + usize::from(pes[8])..])
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}
