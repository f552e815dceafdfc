//! What is on: events as a caller gives them, opaque here but for their start.

/// One event of the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `event_id`, of its own among the events of the tables.
    pub id: u16,
    /// When it begins, in UTC seconds since 1970.
    pub start: i64,
    /// How long it lasts in seconds; 99:59:59 is written for anything longer.
    pub duration_s: u32,
    /// Its name; cut to [`Event::MOST_TITLE_BYTES`] as DVB text.
    pub title: String,
    /// A line about it; cut so that title and line take 250 bytes.
    pub short_text: String,
    /// More about it; cut to eight extended event descriptors, about 1,980 bytes.
    pub long_text: String,
    /// ISO 639-2 code of the texts.
    pub language: [u8; 3],
    /// `content_nibble_level_1` and `_2` (EN 300 468 table 28): 0x10 is drama, 0x20 news.
    pub genre: Option<u8>,
    /// Least age in years. 4 to 18 can be told; below nothing is said, above 18 is.
    pub rating_age: Option<u8>,
    /// Whether it is on.
    pub running: RunningStatus,
}

impl Event {
    /// Most bytes of a title as DVB text.
    pub const MOST_TITLE_BYTES: usize = 100;
}

/// `running_status` (EN 300 468 table 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RunningStatus {
    /// Nothing is said.
    #[default]
    Undefined = 0,
    /// It is not on.
    NotRunning = 1,
    /// It starts in a few seconds.
    StartsSoon = 2,
    /// It pauses.
    Pausing = 3,
    /// It is on.
    Running = 4,
}

/// All that the event information tables tell, replaced as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventTable {
    now: i64,
    present: Option<Event>,
    following: Option<Event>,
    schedule: Vec<Event>,
}

/// Instants beyond this are taken for it: their days can still be counted.
const FAR: i64 = 1 << 48;

impl EventTable {
    /// The tables at `now`, in UTC seconds since 1970: the schedule begins with the UTC day of that
    /// instant, so the table must be replaced when a day begins. Events before that day or behind the
    /// configured days are left out. The order of `schedule` does not matter.
    #[must_use]
    pub fn new(
        now: i64,
        present: Option<Event>,
        following: Option<Event>,
        mut schedule: Vec<Event>,
    ) -> EventTable {
        schedule.sort_by_key(|event| (event.start, event.id));
        let now = now.clamp(-FAR, FAR);
        EventTable { now, present, following, schedule }
    }

    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    /// Present and following.
    pub(crate) fn near(&self) -> [Option<&Event>; 2] {
        [self.present.as_ref(), self.following.as_ref()]
    }

    /// In the order of their starts.
    pub(crate) fn schedule(&self) -> &[Event] {
        &self.schedule
    }
}
