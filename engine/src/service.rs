//! What the tables of a stream tell: the service's names, and events that Core words and AIR only writes.

use retrovue_mux::Information;
use retrovue_mux::si::{Event, EventCapacity, EventTable, LocalTimeOffset, RunningStatus, TableVersions};
use retrovue_proto::code::{Failure, FailureCode};
use retrovue_proto::{message, plan};
use retrovue_timebase::UtcMs;

/// A service, as receivers know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Who provides it.
    pub provider: String,
    /// What else the tables tell.
    pub information: Information,
}

impl Default for Service {
    fn default() -> Service {
        Service {
            name: "RetroVue".to_owned(),
            provider: "RetroVue".to_owned(),
            information: Information::default(),
        }
    }
}

impl Service {
    /// The service of a session joined at `join`, as Core describes it.
    ///
    /// # Errors
    /// PROTOCOL_ERROR for a country that is no code of three letters. Whatever else the tables cannot
    /// tell, the muxer refuses when it is made.
    pub fn new(names: message::ServiceNames, join: UtcMs) -> Result<Service, Failure> {
        let mut information = Information::default();
        if let Some(guide) = names.guide {
            information = with_events(
                u8::try_from(guide.schedule_days).unwrap_or(u8::MAX),
                country(&guide.country)?,
                join,
            );
            information.local_times =
                guide.local_times.iter().map(local_time).collect::<Result<_, Failure>>()?;
        }
        Ok(Service { name: names.service_name, provider: names.provider_name, information })
    }

    /// The service of a plan that is rendered: with events where a block has some.
    #[must_use]
    pub fn of_plan(blocks: &[plan::BlockPlan], join: UtcMs) -> Service {
        let most = blocks.iter().map(|block| block.events.len()).max().unwrap_or_default();
        let information = match most {
            0 => Information::default(),
            1 | 2 => with_events(0, UNDETERMINED, join),
            _ => with_events(SCHEDULE_DAYS, UNDETERMINED, join),
        };
        Service { information, ..Service::default() }
    }
}

/// Country of ratings where a plan names none; one of the codes for private use (ISO 3166-1).
const UNDETERMINED: [u8; 3] = *b"XXX";

/// Days of schedule of a rendered plan.
const SCHEDULE_DAYS: u8 = 7;

/// Present and following, `days` of schedule, and the time. Receivers pass over a table whose version they
/// know, so a session begins with another than the ones before it: that of its second.
fn with_events(days: u8, country: [u8; 3], join: UtcMs) -> Information {
    let version = join.0.div_euclid(1000).rem_euclid(32) as u8;
    Information {
        versions: TableVersions { eit_near: version, eit_schedule: [version; 8], ..TableVersions::default() },
        network: None,
        events: Some(EventCapacity::new(days, country)),
        time: true,
        local_times: Vec::new(),
    }
}

fn country(code: &str) -> Result<[u8; 3], Failure> {
    if code.is_empty() {
        return Ok(UNDETERMINED);
    }
    <[u8; 3]>::try_from(code.as_bytes()).map_err(|_| {
        Failure::new(
            FailureCode::ProtocolError,
            format!("country {code:?} is no ISO 3166 code; write three letters such as DEU"),
        )
    })
}

fn local_time(time: &message::LocalTime) -> Result<LocalTimeOffset, Failure> {
    Ok(LocalTimeOffset {
        country: country(&time.country)?,
        region: 0,
        offset_minutes: time.offset_minutes,
        change: time.change_utc_ms.div_euclid(1000),
        next_offset_minutes: time.next_offset_minutes,
    })
}

/// What the event tables tell from the start of `block` on; nothing where the block says nothing.
#[must_use]
pub fn event_table(block: &plan::BlockPlan) -> Option<EventTable> {
    let events: Vec<Event> = block.events.iter().map(event).collect();
    let (present, following) = (events.first().cloned()?, events.get(1).cloned());
    let now = block.start_utc_ms.0.div_euclid(1000);
    let running = |status| move |event: Event| Event { running: status, ..event };
    Some(EventTable::new(
        now,
        Some(running(RunningStatus::Running)(present)),
        following.map(running(RunningStatus::NotRunning)),
        events,
    ))
}

fn event(event: &plan::Event) -> Event {
    let language = <[u8; 3]>::try_from(event.language.as_bytes()).unwrap_or(*b"und");
    Event {
        id: event.event_id,
        start: event.start_utc_ms.0.div_euclid(1000),
        duration_s: u32::try_from(event.duration_ms.0.div_euclid(1000)).unwrap_or(0),
        title: event.title.clone(),
        short_text: event.short_text.clone(),
        long_text: event.long_text.clone(),
        language,
        genre: event.genre,
        rating_age: event.rating_age,
        running: RunningStatus::Undefined,
    }
}
