//! The rules, each with the clause that makes it, and what was found against them.

use serde::Serialize;

/// Occurrences kept of each rule; all are counted.
const KEPT: usize = 8;

macro_rules! rules {
    ($($name:ident $id:literal $clause:literal $title:literal;)*) => {
        /// A rule that a stream keeps or breaks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Rule { $(#[doc = $title] $name,)* }

        impl Rule {
            /// All rules in the order of reports.
            pub const ALL: &[Rule] = &[$(Rule::$name,)*];

            /// Its number: TR 101 290's, or one beginning with T (buffers) or S (syntax and stamps).
            #[must_use]
            pub fn id(self) -> &'static str { match self { $(Rule::$name => $id,)* } }

            /// The clause it comes from.
            #[must_use]
            pub fn clause(self) -> &'static str { match self { $(Rule::$name => $clause,)* } }

            /// What it demands, for people.
            #[must_use]
            pub fn title(self) -> &'static str { match self { $(Rule::$name => $title,)* } }
        }
    };
}

rules! {
    SyncLoss "1.1" "TR 101 290 1.1" "sync is not lost";
    SyncByte "1.2" "TR 101 290 1.2" "sync byte is 0x47";
    Pat "1.3a" "TR 101 290 1.3.a" "PAT at least every 0.5 s";
    Continuity "1.4" "TR 101 290 1.4" "continuity counters";
    Pmt "1.5a" "TR 101 290 1.5.a" "PMT at least every 0.5 s";
    PidMissing "1.6" "TR 101 290 1.6" "referenced PIDs are present";
    TransportError "2.1" "TR 101 290 2.1" "no transport_error_indicator";
    Crc "2.2" "TR 101 290 2.2" "CRC of sections";
    PcrRepetition "2.3a" "TR 101 290 2.3a" "PCR at least every 100 ms";
    PcrDiscontinuity "2.3b" "TR 101 290 2.3b" "PCR steps within 0 to 100 ms unless flagged";
    PcrAccuracy "2.4" "TR 101 290 2.4" "PCR within 500 ns";
    Pts "2.5" "TR 101 290 2.5" "time stamps at least every 700 ms";
    Cat "2.6" "TR 101 290 2.6" "CAT present where packets are scrambled";
    Nit "3.1" "TR 101 290 3.1.a" "NIT at least every 10 s";
    SiRepetition "3.2" "TR 101 290 3.2, EN 300 468 5.1.4" "SI sections at least 25 ms apart";
    Unreferenced "3.4" "TR 101 290 3.4.a" "no PID unreferenced for 0.5 s";
    Sdt "3.5" "TR 101 290 3.5.a" "SDT at least every 2 s";
    Eit "3.6" "TR 101 290 3.6.a" "EIT present/following at least every 2 s";
    Tdt "3.8" "TR 101 290 3.8" "TDT at least every 30 s";
    TbOverflow "T.TB" "TR 101 290 3.3, ISO/IEC 13818-1 2.4.2.7" "transport buffers hold at most 512 bytes";
    MbOverflow "T.MB" "TR 101 290 3.3, ISO/IEC 13818-1 2.4.2.7" "multiplexing buffers do not overflow";
    BOverflow "T.B" "TR 101 290 3.3, ISO/IEC 13818-1 2.4.2.7" "elementary stream buffers do not overflow";
    SystemOverflow "T.sys" "TR 101 290 3.3, ISO/IEC 13818-1 2.4.2.7" "TBsys and Bsys do not overflow";
    Underflow "T.DTS" "TR 101 290 3.3, ISO/IEC 13818-1 2.4.2.7" "access units are complete at their DTS";
    EmptyBuffer "3.9" "TR 101 290 3.9, ISO/IEC 13818-1 2.4.2.7" "TB and MB empty at least every second";
    DataDelay "3.10" "TR 101 290 3.10, ISO/IEC 13818-1 2.4.2.7" "delay at most 1 s, AVC and HEVC 10 s";
    DtsOrder "S.dts" "ISO/IEC 13818-1 2.4.3.7" "DTS rise";
    PtsBeforeDts "S.pts" "ISO/IEC 13818-1 2.4.3.7" "PTS not before DTS";
    Delimiter "S.aud" "ISO/IEC 13818-1 2.14.1" "AVC access units begin with a delimiter";
    RandomAccessPcr "S.rai" "ISO/IEC 13818-1 2.4.3.5" "random_access_indicator on the PCR PID only with a PCR";
    PesLength "S.len" "ISO/IEC 13818-1 2.4.3.7" "PES_packet_length is right";
    PesUnbounded "S.unb" "ISO/IEC 13818-1 2.4.3.7" "only video PES packets go without a length";
    PesSyntax "S.pes" "ISO/IEC 13818-1 2.4.3.6" "PES headers";
    PacketSyntax "S.adf" "ISO/IEC 13818-1 2.4.3.4" "adaptation fields";
    SectionSyntax "S.sec" "ISO/IEC 13818-1 2.4.4" "section lengths and tables";
}

/// Where and how a rule was broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Occurrence {
    /// Index of the packet, from 0.
    pub packet: u64,
    /// Its first byte in the input.
    pub offset: u64,
    /// Its PID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u16>,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<i64>,
    /// What would have been right, or the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// Unit of both.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub unit: &'static str,
    /// What it is about.
    pub what: &'static str,
}

/// Where something was found.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    pub(crate) packet: u64,
    pub(crate) offset: u64,
    pub(crate) pid: Option<u16>,
}

/// A rule's count and first occurrences.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub(crate) count: u64,
    pub(crate) first: Vec<Occurrence>,
}

/// What was found against every rule.
#[derive(Debug)]
pub(crate) struct Findings(Vec<Found>);

impl Findings {
    pub(crate) fn new() -> Findings {
        Findings(vec![Found::default(); Rule::ALL.len()])
    }

    pub(crate) fn of(&self, rule: Rule) -> &Found {
        &self.0[rule as usize]
    }

    /// Counts an occurrence without a figure.
    pub(crate) fn note(&mut self, rule: Rule, place: Place, what: &'static str) {
        self.add(rule, place, what, None, "");
    }

    /// Counts an occurrence with what was found and the limit.
    pub(crate) fn measure(
        &mut self,
        rule: Rule,
        place: Place,
        what: &'static str,
        value: i64,
        limit: i64,
        unit: &'static str,
    ) {
        self.add(rule, place, what, Some((value, limit)), unit);
    }

    fn add(
        &mut self,
        rule: Rule,
        place: Place,
        what: &'static str,
        figures: Option<(i64, i64)>,
        unit: &'static str,
    ) {
        let found = &mut self.0[rule as usize];
        found.count += 1;
        if found.first.len() < KEPT {
            found.first.push(Occurrence {
                packet: place.packet,
                offset: place.offset,
                pid: place.pid,
                value: figures.map(|f| f.0),
                limit: figures.map(|f| f.1),
                unit,
                what,
            });
        }
    }
}
