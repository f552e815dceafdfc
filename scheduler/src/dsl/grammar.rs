//! The language as tables: every mapping with its keys, words and limits. The readers take them from here, and
//! so does the JSON Schema ([`super::schema`]), so that neither can know a key the other does not.

use crate::yaml::{Form, Key, Shape};

/// Longest span a file may write, in seconds: ten days, which is longer than any asset that can air.
const TEN_DAYS: u64 = 10 * 86_400;

/// Longest cooldown in days: a hundred years.
pub(super) const MOST_COOLDOWN: u64 = 36_500;

/// Most turns an asset may have in one round of a weighted selector.
pub(crate) const MOST_WEIGHT: u64 = 100;

/// Longest cooldown of a spot, in milliseconds: a week, within which the rotation knows every airing.
pub(super) const MOST_TRAFFIC_COOLDOWN: i64 = 7 * 86_400_000;

/// The parts a break may have.
pub(super) const BREAK_PARTS: [&str; 6] = ["commercials", "promos", "commercial", "promo", "bumper", "ident"];

const ID: &str = "^[a-z0-9_-]{1,64}$";
const TIME: &str = "^([01]?[0-9]|2[0-9]):[0-5]?[0-9](:[0-5]?[0-9])?$|^30:00?(:00?)?$";
const DATE: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";
const GRID: &str = "^[0-9]+ *(s|m|min|h)$";
const PICTURE: &str = "\\.([jJ][pP][eE]?[gG]|[pP][nN][gG]|[wW][eE][bB][pP])$";
const NUMBERS: &str = "^([0-9]+|[0-9]+ *\\.\\. *[0-9]*|\\.\\. *[0-9]+)$";
const SPAN: &str = "^[0-9]+ *(s|m|min|h)?$";
const SPANS: &str = "^([0-9]+ *(s|m|min|h)?)?( *\\.\\. *([0-9]+ *(s|m|min|h)?)?)?$";

/// What days a rule may be for, besides dates.
pub(crate) const DAY_WORDS: [&str; 11] = [
    "daily",
    "weekdays",
    "weeknights",
    "weekends",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

const DAY_KEYS: &[&str] = &[
    "^(daily|weekdays|weeknights|weekends|monday|tuesday|wednesday|thursday|friday|saturday|sunday)$",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}( *\\.\\. *[0-9]{4}-[0-9]{2}-[0-9]{2})?$",
];

const TRAFFIC_KEY: Key =
    Key::new("traffic", Form::Either(&TRAFFIC_FORMS), "What fills the breaks; none for filler alone.");

static TRAFFIC_FORMS: [Form; 2] = [Form::Word(&["none"]), Form::Mapping(&TRAFFIC)];
static SPOTS_FORMS: [Form; 2] = [Form::Text, Form::Mapping(&SPOTS)];
static POOL_FORM: Form = Form::Mapping(&POOL);
static TEMPLATE_FORM: Form = Form::Mapping(&TEMPLATE);
static SLOT_FORM: Form = Form::Mapping(&SLOT);
static ENTRY_FORM: Form = Form::Mapping(&ENTRY);

const NOTES: Key = Key::new("notes", Form::Any, "For people; not read.");

const INCLUDE: Key = Key::new(
    "include",
    Form::OneOrMany(&Form::Text),
    "Files with pools, templates and schedules to share, relative to this one.",
);
const POOLS: Key = Key::new("pools", Form::Names(&POOL_FORM), "Assets to select from, by name.");
const TEMPLATES: Key =
    Key::new("templates", Form::Names(&TEMPLATE_FORM), "Blocks to use in the schedule, by name.");
const SCHEDULE_FORM: Form =
    Form::Keyed(DAY_KEYS, &Form::Either(&[Form::OneOrMany(&ENTRY_FORM), Form::Nothing]));
const ANALYTICS: Key = Key::new("analytics", Form::Any, "Reserved; has no effect.");
const SPONSORSHIPS: Key = Key::new("sponsorships", Form::Any, "Reserved; has no effect.");

/// The channel file.
pub(super) static CHANNEL: Shape = Shape {
    name: "the channel file",
    id: "channel",
    about: "A channel: what it is called, what airs on it and when.",
    keys: &[
        Key::required("channel", Form::Like(ID), "The channel's id, and its address: a-z, 0-9, _ and -."),
        Key::new("name", Form::Text, "What people call it; made of the id where it is left out."),
        Key::new("number", Form::Whole { least: 1, most: 99_999 }, "Its number on the dial."),
        Key::new(
            "logo",
            Form::Like(PICTURE),
            "A picture of it, relative to this file: jpg, jpeg, png or webp.",
        ),
        Key::new("timezone", Form::Text, "A name like Europe/Berlin; UTC where it is left out."),
        Key::new(
            "broadcast_day",
            Form::Like(DATE),
            "The date that runs count from, and the day that compile means by default.",
        ),
        Key::new(
            "template",
            Form::Word(&["network_television", "premium_movie"]),
            "network_television: half hours and breaks; premium_movie: quarter hours, nothing interrupted.",
        ),
        Key::new("grid", Form::Like(GRID), "60s, 15m, 1h: 10 seconds to an hour, dividing an hour."),
        Key::new("seed", Form::Whole { least: 0, most: u64::MAX }, "Another one shuffles everything anew."),
        Key::new("filler", Form::OneOrMany(&Form::Text), "Collections or files for time that is nobody's."),
        TRAFFIC_KEY,
        INCLUDE,
        POOLS,
        TEMPLATES,
        Key::required("schedule", SCHEDULE_FORM, "What airs, by days."),
        NOTES,
        ANALYTICS,
        SPONSORSHIPS,
    ],
};

/// A file that others include.
pub(super) static SHARED: Shape = Shape {
    name: "an included file",
    id: "shared",
    about: "What several channels share.",
    keys: &[
        INCLUDE,
        POOLS,
        TEMPLATES,
        TRAFFIC_KEY,
        Key::new("schedule", SCHEDULE_FORM, "What airs, by days."),
        NOTES,
        ANALYTICS,
        SPONSORSHIPS,
    ],
};

const START: Key = Key::new("start", Form::Like(TIME), "\"HH:MM\" or \"HH:MM:SS\" on the channel's clock.");
const UNTIL: Key = Key::new("until", Form::Like(TIME), "The slots repeat until this time.");
const SLOTS: Key = Key::new("slots", Form::List(&SLOT_FORM), "What airs, one after the other.");
const TITLE: Key = Key::new("title", Form::Text, "The title where there is no program.");
const PROGRAM: Key = Key::new("program", Form::Text, "A program of the catalog, p.…");
const EPISODES: Key = Key::new(
    "episode_selector",
    Form::Mapping(&EPISODE_SELECTOR),
    "Which episode airs: sequential by default.",
);
const MOVIES: Key =
    Key::new("movie_selector", Form::Mapping(&MOVIE_SELECTOR), "Which film airs: random by default.");

/// A block with a name.
pub(super) static TEMPLATE: Shape = Shape {
    name: "a template",
    id: "template",
    about: "A block to be used by name.",
    keys: &[
        START,
        UNTIL,
        Key::required("slots", Form::List(&SLOT_FORM), "What airs, one after the other."),
        NOTES,
    ],
};

/// What may stand under a day.
pub(super) static ENTRY: Shape = Shape {
    name: "a schedule entry",
    id: "entry",
    about: "A template by name, a block of slots, or a single program.",
    keys: &[
        Key::new("use", Form::Text, "The name of a template; other keys replace what it says."),
        START,
        UNTIL,
        SLOTS,
        TITLE,
        PROGRAM,
        EPISODES,
        MOVIES,
        NOTES,
    ],
};

/// One program of a block.
pub(super) static SLOT: Shape = Shape {
    name: "a slot",
    id: "slot",
    about: "One program of a block.",
    keys: &[TITLE, PROGRAM, START, EPISODES, MOVIES, NOTES],
};

const COLLECTIONS: Key =
    Key::new("collections", Form::OneOrMany(&Form::Text), "Collections of the catalog, col.…");
const MATCH: Key = Key::new("match", Form::Mapping(&CRITERIA), "What an asset must satisfy.");
const RATING: Key = Key::new("rating", WORDS_FORM, "Ratings to include or exclude.");
const MIN_DURATION: Key =
    Key::new("min_duration_sec", Form::Whole { least: 1, most: TEN_DAYS }, "Shortest runtime, in seconds.");
const MAX_DURATION: Key =
    Key::new("max_duration_sec", Form::Whole { least: 1, most: TEN_DAYS }, "Longest runtime, in seconds.");

const COLLECTION: Key = Key::new("collection", Form::Text, "A collection of the catalog, col.…");
const POOL_NAME: Key = Key::new("pool", Form::Text, "A pool of this file, by name.");
const WEIGHTS: Key = Key::new(
    "weights",
    Form::Names(&Form::Whole { least: 0, most: MOST_WEIGHT }),
    "Turns in a round, by asset or collection; 1 for what is not named, 0 for never.",
);

const SELECTOR_KEYS: &[Key] = &[
    COLLECTION,
    COLLECTIONS,
    POOL_NAME,
    MATCH,
    RATING,
    MIN_DURATION,
    MAX_DURATION,
    Key::new(
        "mode",
        Form::Word(&["sequential", "random", "weighted"]),
        "sequential: in order; random: shuffled, all before one again; weighted: shuffled, by weights.",
    ),
    WEIGHTS,
    Key::new(
        "min_cooldown_days",
        Form::Whole { least: 0, most: MOST_COOLDOWN },
        "Days before an asset may air again.",
    ),
    Key::new("seed", Form::Whole { least: 0, most: u64::MAX }, "Shuffles this selector by itself."),
];

/// `episode_selector`.
pub(super) static EPISODE_SELECTOR: Shape = Shape {
    name: "an episode_selector",
    id: "episode_selector",
    about: "Which episode airs.",
    keys: SELECTOR_KEYS,
};

/// `movie_selector`.
pub(super) static MOVIE_SELECTOR: Shape =
    Shape { name: "a movie_selector", id: "movie_selector", about: "Which film airs.", keys: SELECTOR_KEYS };

/// Assets by name.
pub(super) static POOL: Shape = Shape {
    name: "a pool",
    id: "pool",
    about: "Assets to select from: those of the collections, or of all, that match.",
    keys: &[COLLECTIONS, MATCH, RATING, MIN_DURATION, MAX_DURATION, NOTES],
};

const SPOTS_FORM: Form = Form::Either(&SPOTS_FORMS);

/// `traffic`.
pub(super) static TRAFFIC: Shape = Shape {
    name: "traffic",
    id: "traffic",
    about: "What fills the breaks. The least recently aired comes first, whatever break or day it was in.",
    keys: &[
        Key::new("commercials", SPOTS_FORM, "Adverts: a collection, or which and how often."),
        Key::new("promos", SPOTS_FORM, "Trailers."),
        Key::new("bumpers", SPOTS_FORM, "What opens and closes a break."),
        Key::new("idents", SPOTS_FORM, "The station's own mark."),
        Key::new(
            "break",
            Form::OneOrMany(&Form::Word(&BREAK_PARTS)),
            "A break from first to last. commercials and promos fill it; commercial, promo, bumper and ident are one each.",
        ),
        NOTES,
    ],
};

/// Spots of one kind.
pub(super) static SPOTS: Shape = Shape {
    name: "a pool of traffic",
    id: "spots",
    about: "Which spots, and how often each may air; all of the catalog of that type where it does not say which.",
    keys: &[
        COLLECTION,
        COLLECTIONS,
        POOL_NAME,
        MATCH,
        RATING,
        MIN_DURATION,
        MAX_DURATION,
        WEIGHTS,
        Key::new("cooldown", Form::Like(SPAN), "Time before a spot may air again: 45s, 30m, 2h."),
        Key::new("max_per_hour", Form::Whole { least: 1, most: 60 }, "Most airings of one spot in any hour."),
        Key::new(
            "max_per_day",
            Form::Whole { least: 1, most: 1000 },
            "Most airings of one spot on a broadcast day.",
        ),
        NOTES,
    ],
};

const WORDS_FORM: Form = Form::Either(&[Form::OneOrMany(&Form::Text), Form::Mapping(&WORDS)]);

/// Words to be there or not.
pub(super) static WORDS: Shape = Shape {
    name: "a list of words",
    id: "words",
    about: "Upper and lower case are alike, and * stands for anything.",
    keys: &[
        Key::new("include", Form::OneOrMany(&Form::Text), "One of these must be there."),
        Key::new("exclude", Form::OneOrMany(&Form::Text), "None of these may be there."),
        Key::new("all", Form::OneOrMany(&Form::Text), "All of these must be there."),
    ],
};

/// `match`. A new criterion is a row here, one in [`super::criteria::Subject`], and what it reads of an asset
/// in `plan`.
pub(super) static CRITERIA: Shape = Shape {
    name: "a match",
    id: "match",
    about: "An asset must satisfy all that is named.",
    keys: &[
        Key::new("type", WORDS_FORM, "episode, movie, filler, commercial, promo, bumper."),
        Key::new("series", WORDS_FORM, "The series it is of."),
        Key::new("title", WORDS_FORM, "Its title."),
        Key::new("genre", WORDS_FORM, "Its genres."),
        Key::new("tags", WORDS_FORM, "Its tags."),
        Key::new("rating", WORDS_FORM, "Its rating, as written: PG-13."),
        Key::new("year", Form::Like(NUMBERS), "1984, 1980..1989, 1980.. or ..1989."),
        Key::new("season", Form::Like(NUMBERS), "3, 1..4, 2.. or ..4."),
        Key::new("episode", Form::Like(NUMBERS), "3, 1..4, 2.. or ..4."),
        Key::new("duration", Form::Like(SPANS), "20m..30m, 90m.., ..2h; a number alone is seconds."),
    ],
};
