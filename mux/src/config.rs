//! What a muxer is made from, and why a configuration is refused. Everything that could make a later
//! step fail (a section too long for its packet, a rate too low for its streams) is refused here.

use crate::pacing::{self, StreamPace};
use crate::packet::Counter;
use crate::pid::Pid;
use crate::si::{
    Descriptor, EventCapacity, LocalTimeOffset, Network, Program, ServiceDescription, SiConfig, SiError,
    TableVersions,
};
use crate::splice::CueConfig;
use crate::stream_config::{CUES_DESCRIPTOR, StreamConfig};
use retrovue_timebase::Ticks27M;

/// Configuration of one single-program transport stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuxConfig {
    /// Program number (DVB: service id), not 0.
    pub program_number: u16,
    /// Identifies this multiplex in PAT and SDT.
    pub transport_stream_id: u16,
    /// DVB original network id, in SDT. 0xFF01 to 0xFFFF are free for private use.
    pub original_network_id: u16,
    /// PID of the program map table.
    pub pmt_pid: Pid,
    /// Name of the channel, at most 64 bytes as DVB text.
    pub service_name: String,
    /// Name of its provider, at most 64 bytes as DVB text.
    pub provider_name: String,
    /// The elementary streams, 1 to 8. The PCR goes with the first video stream, or with the first
    /// sound when there is no video.
    pub streams: Vec<StreamConfig>,
    /// Cues for splicing, with a PID of their own; none without. They come by [`crate::Muxer::cue`].
    pub cues: Option<CueConfig>,
    /// What else the tables tell.
    pub information: Information,
    /// Rate of the whole stream.
    pub rate: MuxRate,
    /// What an earlier session of the same channel left behind.
    pub resume: Option<Resume>,
}

/// Service information beyond PAT, PMT and SDT, and the versions the tables begin with. Without any of
/// it, as [`Information::default`] is, only those three are sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Information {
    /// First versions of the tables: those of the session before, see [`crate::Muxer::versions`].
    pub versions: TableVersions,
    /// What the NIT tells; no NIT without.
    pub network: Option<Network>,
    /// Room for events; no EIT without. They come by [`crate::Muxer::replace_events`].
    pub events: Option<EventCapacity>,
    /// Whether TDT is sent, once [`crate::Muxer::set_utc`] has told the time.
    pub time: bool,
    /// Local times, at most 19, which TOT tells beside TDT.
    pub local_times: Vec<LocalTimeOffset>,
}

/// How the rate of the whole transport stream is governed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MuxRate {
    /// No null packets. Packets are never closer together than at `peak_bps`.
    Variable {
        /// Peak rate in bit/s; when absent the smallest that carries every stream at its own peak, and with cues one
        /// that has room for them between packets of pictures.
        peak_bps: Option<u64>,
    },
    /// Exactly this rate, filled up with null packets.
    Constant {
        /// Rate in bit/s.
        bps: u64,
    },
}

/// Continues an earlier session of the same channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resume {
    /// Whether the first packet of each PID carries `discontinuity_indicator`: the time base or the
    /// counters do not follow from what a receiver saw last.
    pub discontinuity: bool,
    /// Last continuity counter sent on each PID, as [`crate::Muxer::counters`] reports them. PIDs
    /// this session does not use are ignored.
    pub counters: Vec<(Pid, u8)>,
}

impl Resume {
    /// The counter a PID begins with.
    pub(crate) fn counter(resume: Option<&Resume>, pid: Pid) -> Counter {
        let last = resume.and_then(|resume| resume.counters.iter().find(|(known, _)| *known == pid));
        Counter::new(last.map(|&(_, last)| last), resume.is_some_and(|resume| resume.discontinuity))
    }
}

/// Why a configuration was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No stream, or more than [`MuxConfig::MAX_STREAMS`].
    #[error("a program has 1 to {} streams, not {count}: leave streams out", MuxConfig::MAX_STREAMS)]
    StreamCount {
        /// Streams configured.
        count: usize,
    },
    /// Something that the tables cannot tell.
    #[error(transparent)]
    Information(#[from] SiError),
    /// A stream type that does not go with its kind, most often one that is not carried.
    #[error(
        "{name} (stream type {stream_type:#04x}) on PID {pid} is not carried as {kind}: encode as one of the kinds of StreamConfig and leave its stream type"
    )]
    StreamType {
        /// PID of the stream.
        pid: Pid,
        /// The offending code point.
        stream_type: u8,
        /// What it stands for.
        name: &'static str,
        /// What the stream was configured as.
        kind: &'static str,
    },
    /// Nothing that could carry the PCR.
    #[error("none of the streams is picture or sound, which the PCR goes with: add one")]
    NoClock,
    /// Private data that nothing tells the meaning of.
    #[error("the data on PID {pid} needs a {descriptor}: add it to its descriptors")]
    NotAnnounced {
        /// PID of the stream.
        pid: Pid,
        /// The descriptor that lacks.
        descriptor: &'static str,
    },
    /// Units of data that the decoder has no room for, or that take too long at their rate.
    #[error(
        "units of {bytes} bytes on PID {pid} are outside 1 to {largest} bytes: cut them, or raise the rate"
    )]
    LongestUnit {
        /// PID of the stream.
        pid: Pid,
        /// The offending size.
        bytes: usize,
        /// Largest accepted at this rate.
        largest: usize,
    },
    /// Cues that cannot be sent as told.
    #[error("cues {what}: {value} is outside {smallest} to {largest}")]
    Cues {
        /// Which figure.
        what: &'static str,
        /// The offending value.
        value: i64,
        /// Smallest accepted.
        smallest: i64,
        /// Largest accepted.
        largest: i64,
    },
    /// A language that is no ISO 639-2 code.
    #[error("language {language:?} on PID {pid} is no ISO 639-2 code: three letters a to z")]
    Language {
        /// PID of the stream.
        pid: Pid,
        /// The offending code.
        language: [u8; 3],
    },
    /// A rate out of range.
    #[error("bit rate {bps} on PID {pid} is outside {smallest} to {largest} bit/s")]
    Bitrate {
        /// PID of the stream.
        pid: Pid,
        /// The offending rate.
        bps: u64,
        /// Smallest accepted.
        smallest: u64,
        /// Largest accepted.
        largest: u64,
    },
    /// A decoder buffer of nothing or of more than five seconds.
    #[error("decoder buffer of {cpb_bits} bits on PID {pid} is outside 1 to {largest} bits at its rate")]
    CpbSize {
        /// PID of the stream.
        pid: Pid,
        /// The offending size.
        cpb_bits: u64,
        /// Largest accepted.
        largest: u64,
    },
    /// The multiplex cannot carry its streams.
    #[error("peak rate of {peak_bps} bit/s is too low: the streams need at least {smallest} bit/s")]
    RateTooLow {
        /// The offending rate.
        peak_bps: u64,
        /// Smallest that works.
        smallest: u64,
    },
    /// The multiplex cannot carry its streams at a constant rate.
    #[error(
        "a constant rate of {bps} bit/s is too low: the streams need {smallest} bit/s, or lower rates of their own"
    )]
    ConstantRateTooLow {
        /// The offending rate.
        bps: u64,
        /// Smallest that surely works.
        smallest: u64,
    },
    /// Headers and stuffing of so many access units do not pass the stream's transport buffer.
    #[error(
        "{bps} bit/s on PID {pid} is too low for {units_per_second} access units a second: use at least {smallest} bit/s"
    )]
    StreamRateTooLow {
        /// PID of the stream.
        pid: Pid,
        /// The offending rate.
        bps: u64,
        /// Access units it is for.
        units_per_second: u32,
        /// Smallest that works.
        smallest: u64,
    },
    /// No access units, or more than any format has.
    #[error(
        "{units_per_second} access units a second on PID {pid} is outside 1 to {}",
        StreamConfig::MAX_UNITS_PER_SECOND
    )]
    UnitsPerSecond {
        /// PID of the stream.
        pid: Pid,
        /// The offending value.
        units_per_second: u32,
    },
    /// The multiplex rate is beyond what the arithmetic was shown for.
    #[error("peak rate of {peak_bps} bit/s is over {largest} bit/s")]
    RateTooHigh {
        /// The offending rate.
        peak_bps: u64,
        /// Largest accepted.
        largest: u64,
    },
    /// A name with a control character, which DVB text gives other meanings.
    #[error("name {name:?} contains a control character: take it out")]
    NameControl {
        /// The offending name.
        name: String,
    },
    /// A counter that does not fit four bits.
    #[error("continuity counter {counter} of PID {pid} is over 15")]
    Counter {
        /// PID of the counter.
        pid: Pid,
        /// The offending value.
        counter: u8,
    },
}

/// Smallest peak of pictures beside sound at a variable rate.
const SMALLEST_VARIABLE_PEAK_BPS: u64 = 600_000;

impl MuxConfig {
    /// Most elementary streams of a program.
    pub const MAX_STREAMS: usize = 8;

    /// A program of `streams` called `service_name`, variable rate, new session, with this station's
    /// usual identifiers.
    #[must_use]
    pub fn new(service_name: &str, streams: Vec<StreamConfig>) -> MuxConfig {
        MuxConfig {
            program_number: 1,
            transport_stream_id: 1,
            original_network_id: 0xFF01,
            pmt_pid: Pid::DEFAULT_PMT,
            service_name: service_name.to_owned(),
            provider_name: "RetroVue".to_owned(),
            streams,
            cues: None,
            information: Information::default(),
            rate: MuxRate::Variable { peak_bps: None },
            resume: None,
        }
    }

    /// A program of pictures at up to `video_bps` and stereo sound, as a station sends it. The decoder's
    /// buffer holds half a second of pictures: an IDR may borrow so much, and the delay stays under the
    /// second that ISO/IEC 13818-1 §2.7.9 allows. Their peak is never so low that headers and stuffing of so
    /// many pictures a second could not pass a receiver's transport buffer; at a variable rate, where a
    /// receiver knows packets' instants from the PCRs around them alone, nor so low that the sound between them
    /// would make them seem too close to each other.
    #[must_use]
    pub fn house(
        service_name: &str,
        video_bps: u64,
        pictures_per_second: u32,
        audio_bps: u64,
        rate: MuxRate,
    ) -> MuxConfig {
        let video = StreamConfig::h264(0, 0).with_units_per_second(pictures_per_second);
        let beside_sound = match rate {
            MuxRate::Variable { .. } => SMALLEST_VARIABLE_PEAK_BPS.max(3 * audio_bps),
            MuxRate::Constant { .. } => 0,
        };
        let peak_bps = video_bps.max(video.smallest_bitrate_bps().next_multiple_of(1000)).max(beside_sound);
        let video = StreamConfig::h264(peak_bps, peak_bps / 2).with_units_per_second(pictures_per_second);
        let streams = vec![video, StreamConfig::aac_adts(audio_bps)];
        MuxConfig { rate, ..MuxConfig::new(service_name, streams) }
    }

    /// Longest time by which a packet leaves before its access unit's DTS. The first packet of a
    /// session leaves this long before the first DTS, when the first stream is video, and later where the first
    /// picture arrives later in its encoder's HRD ([`crate::CpbArrival`]).
    ///
    /// # Errors
    /// As [`crate::Muxer::new`].
    pub fn lead(&self) -> Result<Ticks27M, ConfigError> {
        self.validate()?;
        let lead = self.streams.iter().map(|stream| StreamPace::new(self, stream).lead).max();
        Ok(Ticks27M(lead.unwrap_or_default()))
    }

    /// Position in `streams` of the stream that carries the PCR.
    pub(crate) fn pcr_stream(&self) -> usize {
        let position = |is: fn(&StreamConfig) -> bool| self.streams.iter().position(is);
        position(|stream| stream.kind.is_video()).or(position(|stream| stream.kind.is_audio())).unwrap_or(0)
    }

    /// What the tables are made from.
    pub(crate) fn tables(&self) -> SiConfig {
        let information = &self.information;
        let mut descriptors: Vec<Descriptor> = self.cues.iter().map(|_| CUES_DESCRIPTOR).collect();
        let of_streams = self.streams.iter().map(|stream| stream.program_descriptors(self.program_number));
        // One pointer to ID3 does for all of it.
        descriptors.extend(of_streams.flatten().next());
        SiConfig {
            transport_stream_id: self.transport_stream_id,
            original_network_id: self.original_network_id,
            program_number: self.program_number,
            pmt_pid: self.pmt_pid,
            program: Program {
                pcr_pid: self.streams.get(self.pcr_stream()).map_or(Pid::NULL, |stream| stream.pid),
                descriptors,
                streams: {
                    let streams = self.streams.iter().map(StreamConfig::program_stream);
                    streams.chain(self.cues.iter().map(CueConfig::program_stream)).collect()
                },
            },
            service: Some(ServiceDescription {
                service_type: TELEVISION,
                provider_name: self.provider_name.clone(),
                service_name: self.service_name.clone(),
            }),
            network: information.network.clone(),
            events: information.events,
            time: information.time,
            local_times: information.local_times.clone(),
            versions: information.versions,
        }
    }

    /// Peak rate in bit/s, given or derived.
    pub(crate) fn peak_bps(&self) -> u64 {
        match self.rate {
            MuxRate::Variable { peak_bps } => peak_bps.unwrap_or_else(|| pacing::usual_peak_bps(self)),
            MuxRate::Constant { bps } => bps,
        }
    }

    /// Bits of `stream`'s decoder buffer that may be filled. Of pictures that is more than their coded picture
    /// buffer by what they are sent ahead of their HRD, which waits in MB in front of EB unless the stream
    /// declares a buffer of this size: one that is always full might keep MB from being empty once a second.
    #[must_use]
    pub fn decoder_buffer_bits(&self, stream: &StreamConfig) -> u64 {
        8 * pacing::StreamPace::new(self, stream).buffer as u64
    }

    /// Smallest constant rate in bit/s that surely carries these streams.
    #[must_use]
    pub fn smallest_constant_bps(&self) -> u64 {
        pacing::smallest_constant_bps(self)
    }

    fn validate_rate(&self) -> Result<(), ConfigError> {
        match self.rate {
            MuxRate::Variable { .. } => {
                let (peak_bps, smallest) = (self.peak_bps(), pacing::smallest_peak_bps(self));
                if peak_bps < smallest {
                    return Err(ConfigError::RateTooLow { peak_bps, smallest });
                }
            }
            MuxRate::Constant { bps } => {
                let smallest = self.smallest_constant_bps();
                if bps < smallest {
                    return Err(ConfigError::ConstantRateTooLow { bps, smallest });
                }
            }
        }
        let (peak_bps, largest) = (self.peak_bps(), pacing::LARGEST_PEAK_BPS);
        if peak_bps > largest {
            return Err(ConfigError::RateTooHigh { peak_bps, largest });
        }
        Ok(())
    }

    /// Refuses whatever a muxer could not keep to.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if self.streams.is_empty() || self.streams.len() > MuxConfig::MAX_STREAMS {
            return Err(ConfigError::StreamCount { count: self.streams.len() });
        }
        let tables = self.tables();
        tables.validate()?;
        self.streams.iter().try_for_each(StreamConfig::validate)?;
        if self.streams.iter().all(|stream| !stream.kind.is_video() && !stream.kind.is_audio()) {
            return Err(ConfigError::NoClock);
        }
        self.cues.as_ref().map_or(Ok(()), CueConfig::validate)?;
        for name in [&self.service_name, &self.provider_name] {
            validate_name(name)?;
        }
        self.validate_rate()?;
        let counters = self.resume.iter().flat_map(|resume| &resume.counters);
        for &(pid, counter) in counters {
            if counter > 15 {
                return Err(ConfigError::Counter { pid, counter });
            }
        }
        Ok(())
    }
}

/// `service_type` of a digital television service (EN 300 468 table 89).
const TELEVISION: u8 = 0x01;

fn validate_name(name: &str) -> Result<(), ConfigError> {
    if name.chars().any(char::is_control) {
        return Err(ConfigError::NameControl { name: name.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StreamType;
    use crate::si::Ac3Signalling;

    const SUBS: Pid = Pid::new(0x120);

    const SUBTITLING: Descriptor = Descriptor::Subtitling {
        language: *b"deu",
        subtitling_type: 0x10,
        composition_page: 1,
        ancillary_page: 1,
    };

    fn config() -> MuxConfig {
        MuxConfig::new("One", vec![StreamConfig::h264(4_000_000, 4_000_000), StreamConfig::aac_adts(192_000)])
    }

    #[test]
    fn each_fault_is_refused_by_its_name() {
        type Fault = (fn(&mut MuxConfig), &'static str);
        let faults: [Fault; 24] = [
            (|c| c.streams.clear(), "1 to 8 streams, not 0"),
            (|c| c.program_number = 0, "program_number must not be 0"),
            (|c| c.information.versions.pmt = 32, "version 32"),
            (|c| c.pmt_pid = Pid::SDT, "PID 0x0011 cannot be assigned"),
            (|c| c.pmt_pid = Pid::DEFAULT_AUDIO, "PID 0x0101 is used twice"),
            (
                |c| c.streams[0].stream_type = StreamType::HEVC,
                "HEVC (stream type 0x24) on PID 0x0100 is not carried as H.264",
            ),
            (|c| c.streams[0].stream_type = StreamType(0x33), "VVC (stream type 0x33) on PID 0x0100"),
            (|c| c.streams[1].stream_type = StreamType(0x11), "AAC in LATM (stream type 0x11) on PID 0x0101"),
            (
                |c| c.streams[1] = StreamConfig::ac3(Ac3Signalling::Dvb, 640_001),
                "outside 32000 to 640000 bit/s",
            ),
            (|c| c.streams[1] = StreamConfig::id3(SUBS, 100_000, 11_251), "1 to 11250 bytes"),
            (|c| c.streams[1] = StreamConfig::dvb_subtitles(SUBS, 180_001, 9, SUBTITLING), "outside 1000 to"),
            (|c| c.streams[1] = StreamConfig::teletext(SUBS, 32, SUBTITLING), "needs a teletext_descriptor"),
            (
                |c| c.streams[1] = StreamConfig::dvb_subtitles(SUBS, 90_000, 9, Descriptor::Id3),
                "subtitling_desc",
            ),
            (
                |c| c.streams = vec![StreamConfig::id3(SUBS, 10_000, 100)],
                "none of the streams is picture or sound",
            ),
            (|c| c.cues = Some(CueConfig::new(Pid::DEFAULT_AUDIO)), "PID 0x0101 is used twice"),
            (
                |c| c.cues = Some(CueConfig { heartbeat_s: Some(0), ..CueConfig::new(Pid::DEFAULT_CUES) }),
                "seconds between heartbeats: 0 is outside 1 to 3600",
            ),
            (|c| c.streams[1].language = Some(*b"EN "), "PID 0x0101 is no ISO 639-2 code"),
            (|c| c.streams[1] = StreamConfig::aac_adts(1), "bit rate 1 on PID 0x0101"),
            (
                |c| c.streams[0] = StreamConfig::h264(1_000_000, 5_000_001),
                "5000001 bits on PID 0x0100 is outside 1 to 5000000",
            ),
            (|c| c.rate = MuxRate::Variable { peak_bps: Some(7_799_999) }, "at least 7800000 bit/s"),
            (|c| c.rate = MuxRate::Variable { peak_bps: Some(u64::MAX) }, "is over"),
            (|c| c.service_name = "x".repeat(65), "takes 65 bytes"),
            (|c| c.provider_name = "a\nb".to_owned(), "control character"),
            (
                |c| {
                    c.resume = Some(Resume { discontinuity: true, counters: vec![(Pid::PAT, 16)] });
                },
                "continuity counter 16 of PID 0x0000",
            ),
        ];
        for (spoil, message) in faults {
            let mut config = config();
            spoil(&mut config);
            let error = config.validate().expect_err(message).to_string();
            assert!(error.contains(message), "{error:?} lacks {message:?}");
        }
        assert_eq!(config().validate(), Ok(()));
    }

    #[test]
    fn the_largest_configuration_makes_a_muxer() {
        let stream =
            |n: u16| StreamConfig::aac_adts(64_000).on_pid(Pid::new(0x200 + n)).with_language(*b"deu");
        let mut config = MuxConfig::new(&"\u{20ac}".repeat(21), (0..8).map(stream).collect());
        config.provider_name = "p".repeat(64);
        assert!(crate::Muxer::new(config.clone()).is_ok());
        let other = || Descriptor::Other { tag: 0xF0, payload: vec![0; 200] };
        config.streams.iter_mut().for_each(|stream| stream.descriptors.push(other()));
        let refused = crate::Muxer::new(config).map(drop).expect_err("a map of 1,700 bytes").to_string();
        assert!(refused.contains("longer than 1024 bytes"), "{refused}");
    }
}
