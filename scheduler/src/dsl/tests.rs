//! Channel files to what they mean, and to findings: the examples of seed 004, files that include others, pools,
//! criteria, and noise.

use super::*;
use crate::yaml::{Diagnostic, Document, Report};
use proptest::prelude::*;
use retrovue_timebase::Millis;
use std::path::Path;

const SITCOMS: &str = r#"channel: retro_prime
broadcast_day: 1989-10-12
timezone: America/New_York
notes:
  vibe: "Water-cooler Thursday"

templates:
  weeknight_sitcom_block:
    start: "20:00"
    slots:
      - title: "Cosby Show"
        program: p.coz_s3
        episode_selector:
          collection: col.cozby_show_s3
          mode: sequential
      - title: "Cheers"
        program: p.cheers_s6
        episode_selector:
          collection: col.cheers_s6
          mode: random

schedule:
  weeknights:
    use: weeknight_sitcom_block
"#;

const MOVIES: &str = r#"channel: retro_movies
broadcast_day: 1989-10-14
timezone: America/New_York
template: premium_movie

schedule:
  saturday:
    - start: "20:00"
      movie_selector:
        collections:
          - col.movies.blockbusters_70s_90s
          - col.movies.family_adventure
        rating:
          include: [PG, PG-13]
        min_cooldown_days: 21
        max_duration_sec: 7200
"#;

fn parse(text: &str) -> Result<(ChannelSpec, Report), Report> {
    parse_with(text, &[])
}

/// Parses `channels/x.yaml`, with other files beside it.
fn parse_with(text: &str, files: &[(&str, &str)]) -> Result<(ChannelSpec, Report), Report> {
    let document = Document::parse(Path::new("channels/x.yaml"), text).map_err(Report::from)?;
    let mut read = |path: &Path, number| match files.iter().find(|(name, _)| Path::new(name) == path) {
        Some((_, text)) => Document::parse_as(path, text, number),
        None => Err(Box::new(Diagnostic::of_file(path, format!("cannot read {}", path.display())))),
    };
    match examine_channel_with(document, &mut read) {
        (Some(spec), report) if !report.has_errors() => Ok((spec, report)),
        (_, report) => Err(report),
    }
}

#[test]
fn a_logo_is_a_picture_relative_to_the_channel_file() {
    for (text, expect) in [
        ("logos/one.png", "channels/logos/one.png"),
        ("/srv/One.JPG", "/srv/One.JPG"),
        ("../x.webp", "channels/../x.webp"),
    ] {
        let (spec, _) = parse(&format!("channel: a\nlogo: {text}\nschedule: {{daily: []}}\n")).unwrap();
        assert_eq!(spec.logo.unwrap().0, Path::new(expect), "{text}");
    }
    for text in ["logo.svg", "logo", "7", ".png"] {
        let report = parse(&format!("channel: a\nlogo: {text}\nschedule: {{daily: []}}\n")).unwrap_err();
        let said = report.to_string();
        assert!(said.contains("is no picture that can be served") && said.contains("x.yaml:2:7"), "{said}");
    }
}

#[test]
fn the_sitcom_block_of_seed_004_is_read() {
    let (spec, report) = parse(SITCOMS).unwrap();
    assert!(report.findings().is_empty(), "{report}");
    assert_eq!(
        (spec.id.as_str(), spec.name.as_str(), spec.grid),
        ("retro_prime", "retro prime", Millis(1_800_000))
    );
    assert_eq!(spec.broadcast_day.unwrap().to_string(), "1989-10-12");
    let block = &spec.schedule[0].blocks[0];
    assert_eq!((block.start, block.until, block.slots.len()), (WallTime::read("20:00").unwrap(), None, 2));
    assert_eq!(block.template.as_deref(), Some("weeknight_sitcom_block"));
    assert_eq!(block.slots[0].selector.mode, SelectorMode::Sequential);
    assert_eq!(block.slots[1].selector.mode, SelectorMode::Random);
}

#[test]
fn the_movie_night_of_seed_004_is_read() {
    let (spec, report) = parse(MOVIES).unwrap();
    assert!(report.findings().is_empty(), "{report}");
    assert_eq!((spec.template, spec.grid), (ChannelTemplate::PremiumMovie, Millis(900_000)));
    let selector = &spec.schedule[0].blocks[0].slots[0].selector;
    assert_eq!((selector.kind, selector.mode), (SelectorKind::Movie, SelectorMode::Random));
    assert_eq!((selector.collections.len(), selector.cooldown_days), (2, 21));
    let criteria: Vec<String> = selector.criteria.iter().map(ToString::to_string).collect();
    assert_eq!(criteria, ["rating PG or PG-13", "duration ..2h"]);
}

#[test]
fn json_is_the_same_language() {
    for text in [SITCOMS, MOVIES] {
        let value: serde_json::Value = serde_saphyr::from_str(text).unwrap();
        let yaml = parse(text).unwrap().0;
        let indented = serde_json::to_string_pretty(&value).unwrap();
        for json in [value.to_string(), indented.clone(), indented.replace("  ", "\t")] {
            let (spec, report) = parse(&json).unwrap_or_else(|report| panic!("{json}\n{report}"));
            assert!(report.findings().is_empty(), "{report}");
            assert_eq!((&spec.id, spec.grid, &spec.zone_name), (&yaml.id, yaml.grid, &yaml.zone_name));
            let (blocks, expect) = (&spec.schedule[0].blocks, &yaml.schedule[0].blocks);
            assert_eq!((blocks.len(), blocks[0].start), (expect.len(), expect[0].start));
            for (slot, expect) in blocks[0].slots.iter().zip(&expect[0].slots) {
                assert_eq!((&slot.title, slot.selector.mode), (&expect.title, expect.selector.mode));
                let names =
                    |s: &Slot| s.selector.collections.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
                assert_eq!(names(slot), names(expect));
            }
        }
    }
}

#[test]
fn blocks_repeat_until_a_time_and_slots_may_start_blocks() {
    let (spec, _) = parse(
        "channel: a\ngrid: 60s\nschedule:\n  daily:\n    - start: '06:00'\n      until: '06:00'\n      slots:\n        - {program: p.a}\n        - {program: p.b, start: '12:01'}\n        - {program: p.c}\n",
    )
    .unwrap();
    let blocks = &spec.schedule[0].blocks;
    assert_eq!(blocks.len(), 2);
    assert_eq!((blocks[0].until, blocks[0].slots.len()), (None, 1));
    assert_eq!((blocks[1].until, blocks[1].slots.len()), (Some(WallTime::DAY_END), 2));
}

#[test]
fn pools_give_what_is_in_them_and_selectors_narrow_them() {
    let (spec, _) = parse(
        "channel: a\npools:\n  westerns: {collections: col.films, match: {genre: western, year: 1950..1969}}\nschedule:\n  daily: {start: '20:00', movie_selector: {pool: westerns, match: {duration: ..2h, tags: {exclude: [dubbed]}}, min_cooldown_days: 9, seed: 4}}\n",
    )
    .unwrap();
    let selector = &spec.schedule[0].blocks[0].slots[0].selector;
    let criteria: Vec<String> = selector.criteria.iter().map(ToString::to_string).collect();
    assert_eq!(criteria, ["genre western", "year 1950..1969", "tags not dubbed", "duration ..2h"]);
    assert_eq!((selector.collections[0].name.as_str(), selector.seed), ("col.films", Some(4)));
}

#[test]
fn included_files_give_pools_templates_and_schedules_and_the_includer_comes_first() {
    let files = [
        (
            "shared/evenings.yaml",
            "include: more.yaml\ntemplates:\n  evening: {start: '20:00', slots: [{program: p.shared}]}\n  other: {start: '22:00', slots: [{program: p.other}]}\n",
        ),
        (
            "shared/more.yaml",
            "templates: {other: {start: '23:00', slots: [{program: p.deep}]}}\nschedule: {sunday: {start: '08:00', program: p.sunday}}\npools: {p: {match: {tags: x}}}\n",
        ),
    ];
    let text = "channel: a\ninclude: [../shared/evenings.yaml, ../shared/./more.yaml]\ntemplates: {evening: {start: '19:00', slots: [{program: p.own}]}}\nschedule:\n  daily: [{use: evening}, {use: other}, {start: '10:00', movie_selector: {pool: p}}]\n";
    let (spec, report) = parse_with(text, &files).unwrap();
    assert!(report.findings().is_empty(), "{report}");
    let program = |rule: usize, block: usize| {
        let slot = &spec.schedule[rule].blocks[block].slots[0];
        slot.program.as_ref().map(|named| named.name.as_str())
    };
    assert_eq!(
        (program(0, 0), program(0, 1), program(1, 0)),
        (Some("p.own"), Some("p.other"), Some("p.sunday"))
    );
    assert_eq!(spec.sources.documents().len(), 3);
    assert_eq!(spec.schedule[0].blocks[1].slots[0].place.file, 1);
}

#[test]
fn findings_name_the_file_they_are_in() {
    let files = [
        ("channels/a.yaml", "include: b.yaml\ntemplates: {t: {start: '20:10', slots: [{program: p.x}]}}\n"),
        (
            "channels/b.yaml",
            "include: [x.yaml, nowhere.yaml, broken.yaml]\nnumber: 4\ntemplates: {u: {slots: []}}\n",
        ),
        ("channels/c.yaml", "templates: {t: {start: '21:00', slots: [{program: p.x}]}}\n"),
        ("channels/broken.yaml", "a: [\n"),
    ];
    let text = "channel: x\ninclude: [a.yaml, c.yaml]\nschedule: {daily: {use: t}}\n";
    let report = parse_with(text, &files).unwrap_err();
    let found: Vec<(String, usize, &str)> = report
        .findings()
        .iter()
        .map(|d| (d.path().display().to_string(), d.place().line, d.code_word()))
        .collect();
    for expect in [
        ("channels/a.yaml", 2, codes::OFF_GRID),
        ("channels/b.yaml", 1, codes::INCLUDE_CYCLE),
        ("channels/b.yaml", 1, codes::INCLUDE),
        ("channels/b.yaml", 2, codes::UNKNOWN_KEY),
        ("channels/b.yaml", 3, codes::INVALID_VALUE),
        ("channels/c.yaml", 1, codes::DUPLICATE_NAME),
    ] {
        assert!(found.iter().any(|(p, l, c)| (p.as_str(), *l, *c) == expect), "{expect:?} in {found:?}");
    }
    assert!(found.iter().any(|(path, _, code)| path == "channels/broken.yaml" && *code == codes::NOT_YAML));
    let shown = report.render(false);
    let chain = "channels/x.yaml → channels/a.yaml → channels/b.yaml → channels/x.yaml";
    assert!(shown.contains(chain) && shown.contains("channels/a.yaml:2:24"), "{shown}");
}

#[test]
fn traffic_is_a_collection_or_a_mapping_and_a_break_has_its_usual_form() {
    let traffic = |text: &str| {
        let (spec, report) =
            parse(&format!("channel: a\ntraffic: {text}\nschedule: {{daily: []}}\n")).unwrap();
        assert!(report.findings().is_empty(), "{text}: {report}");
        spec.traffic.unwrap()
    };
    for (text, form) in [
        ("none", ""),
        ("{commercials: col.ads}", "commercials"),
        ("{promos: {match: {type: promo}}}", "promos"),
        (
            "{idents: {}, promos: p, commercials: {notes: all}, bumpers: b}",
            "bumper commercials promo ident bumper",
        ),
        ("{commercials: c, bumpers: b, break: [bumper, commercials]}", "bumper commercials"),
        ("{commercials: c, promos: p, break: [promo, commercials, promos]}", "promo commercials promos"),
        ("{promos: p, break: promo}", "promo"),
    ] {
        let words: Vec<&str> = traffic(text)
            .form
            .iter()
            .map(|part| match part {
                BreakPart::One(kind) => kind.word(),
                BreakPart::Fill(kind) => kind.words(),
            })
            .collect();
        assert_eq!(words.join(" "), form, "{text}");
    }
    let spec = traffic(
        "{commercials: {collection: c, cooldown: 2h, max_per_hour: 2, max_per_day: 9, weights: {a: 3}, match: {tags: x}}}",
    );
    let pool = &spec.pools[0];
    assert_eq!((pool.cooldown, pool.per_hour, pool.per_day), (Millis(7_200_000), Some(2), Some(9)));
    assert_eq!((pool.selector.collections.len(), pool.selector.criteria.len()), (1, 1));
    assert_eq!((pool.selector.weights[0].0.name.as_str(), pool.selector.weights[0].1), ("a", 3));
    // What a file says comes before what it includes.
    let shared = [("shared.yaml", "traffic: {commercials: col.shared}\n")];
    let collection = |text: &str| {
        let (spec, _) = parse_with(text, &shared.map(|(n, t)| (n, t))).unwrap();
        spec.traffic.unwrap().pools[0].selector.collections[0].name.clone()
    };
    let included = "channel: a\ninclude: ../shared.yaml\nschedule: {daily: []}\n";
    assert_eq!(collection(included), "col.shared");
    assert_eq!(collection(&format!("{included}traffic: {{commercials: col.own}}\n")), "col.own");
}

#[test]
fn each_fault_of_traffic_is_found_at_its_place_with_what_to_do() {
    for (text, column, part) in [
        ("{}", 10, "nothing to air"),
        ("nothing", 10, "must be a mapping"),
        ("{commercial: c}", 11, "did you mean \"commercials\"?"),
        ("{commercials: []}", 24, "must be a mapping"),
        ("{commercials: {cooldown: soon}}", 35, "no cooldown"),
        ("{commercials: {cooldown: 169h}}", 35, "at most 168h"),
        ("{commercials: {max_per_hour: 0}}", 39, "from 1 to 60"),
        ("{commercials: {max_per_day: x}}", 38, "from 1 to 1000"),
        ("{commercials: {pool: x}}", 31, "no pool \"x\""),
        ("{commercials: {weights: {a: 101}}}", 38, "from 0 to 100"),
        ("{commercials: c, break: [adverts]}", 35, "a break has no part \"adverts\""),
        ("{commercials: c, break: [bumpers]}", 35, "did you mean \"bumper\"?"),
        ("{commercials: c, break: [bumper]}", 35, "traffic has no bumpers"),
        ("{commercials: c, break: [[promo]]}", 35, "must be a word"),
    ] {
        let report = parse(&format!("channel: a\ntraffic: {text}\nschedule: {{daily: []}}\n")).unwrap_err();
        let found = report.findings().iter().any(|d| {
            (d.place().line, d.place().column) == (2, column)
                && d.render(false).contains(part)
                && d.help_text().is_some()
        });
        assert!(found, "{text}\n{column} {part}\n{}", report.render(false));
    }
    let unused =
        "channel: a\ntraffic: {commercials: c, idents: i, break: [commercials]}\nschedule: {daily: []}\n";
    let (_, report) = parse(unused).unwrap();
    assert_eq!(report.findings()[0].code_word(), codes::UNUSED_SPOTS);
}

#[test]
fn each_fault_is_found_at_its_place_with_what_to_do() {
    let day = |entry: &str| format!("channel: a\nschedule:\n  daily: {entry}\n");
    let table: [(String, usize, usize, &str); 32] = [
        ("channel: A!\nschedule: {daily: []}\n".into(), 1, 10, "no channel name"),
        ("chanel: a\nschedule: {daily: []}\n".into(), 1, 1, "did you mean \"channel\""),
        ("channel: a\n".into(), 1, 1, "needs the key \"schedule\""),
        ("channel: a\ntimezone: America/New_Yrok\nschedule: {}\n".into(), 2, 11, "America/New_York"),
        ("channel: a\ngrid: 7m\nschedule: {daily: []}\n".into(), 2, 7, "dividing an hour"),
        ("channel: a\nbroadcast_day: 1989-13-01\nschedule: {}\n".into(), 2, 16, "no date"),
        ("channel: a\ntemplate: premium\nschedule: {}\n".into(), 2, 11, "did you mean \"premium_movie\""),
        ("channel: a\nschedule:\n  mondays: []\n".into(), 3, 3, "did you mean \"monday\""),
        ("channel: a\nschedule:\n  2026-02-30: []\n".into(), 3, 3, "names no days"),
        ("channel: a\nschedule: []\n".into(), 2, 11, "mapping of days"),
        ("channel: a\nseed: -1\nschedule: {}\n".into(), 2, 7, "whole number of 0 or more"),
        (day("{use: nix}"), 3, 16, "no template \"nix\""),
        (day("{start: '20:07', program: p.x}"), 3, 18, "off the grid of 30 min"),
        (day("{start: '20:00', until: '21:07', program: p.x}"), 3, 34, "off the grid of 30 min"),
        (day("{start: '25:99', program: p.x}"), 3, 18, "no time of day"),
        (day("{program: p.x}"), 3, 10, "when this starts"),
        (day("{start: '20:00', title: X}"), 3, 10, "what airs"),
        (day("{start: '20:00', until: '19:00', program: p.x}"), 3, 34, "not after"),
        (day("{start: '20:00', program: p, episode_selector: {mode: wieghted}}"), 3, 64, "\"weighted\""),
        (day("{start: '20:00', programm: p.x}"), 3, 27, "did you mean \"program\""),
        (day("{start: '20:00', slots: [{program: p.x}], program: p.y}"), 3, 61, "put it into a slot"),
        (day("{start: '20:00', slots: [{program: [p.x]}]}"), 3, 45, "must be a single value"),
        (day("{start: '20:00', slots: []}"), 3, 34, "1 to 10000 slots"),
        (day("{start: '20:00', movie_selector: {}}"), 3, 43, "needs collections, a pool or a match"),
        (day("{start: '20:00', movie_selector: {pool: x}}"), 3, 50, "no pool \"x\""),
        (day("{start: '20:00', movie_selector: {match: {year: 1989..1980}}}"), 3, 58, "before it begins"),
        (day("{start: '20:00', movie_selector: {match: {genres: x}}}"), 3, 52, "did you mean \"genre\""),
        (day("{start: '20:00', movie_selector: {match: {duration: long}}}"), 3, 62, "20m..30m"),
        (
            day(
                "{start: '20:00', movie_selector: {match: {tags: x}, min_duration_sec: 9, max_duration_sec: 8}}",
            ),
            3,
            80,
            "nothing satisfies both",
        ),
        (
            day("{start: '20:00', episode_selector: {collection: c, min_cooldown_days: 3}}"),
            3,
            80,
            "keeps its order",
        ),
        (
            day("{start: '20:00', episode_selector: {collection: c, mode: random, weights: {a: 2}}}"),
            3,
            84,
            "weights have no meaning",
        ),
        (
            day("{start: '20:00', episode_selector: {collection: c, weights: {a: 101}}}"),
            3,
            74,
            "from 0 to 100",
        ),
    ];
    assert!(parse("channel: a\nschedule:\n  daily: []\n").is_ok());
    for (text, line, column, part) in table {
        let report = parse(&text).unwrap_err();
        let found = report
            .findings()
            .iter()
            .any(|d| (d.place().line, d.place().column) == (line, column) && d.to_string().contains(part));
        assert!(found, "{text}\n{line}:{column} {part}\n{report}");
        let told = |d: &Diagnostic| d.help_text().is_some() && codes::ALL.contains(&d.code_word());
        assert!(report.findings().iter().all(told), "each says what to do: {report}");
    }
}

proptest! {
    #[test]
    fn mutated_channels_never_panic(at in 0usize..700, with in any::<char>(), which in any::<bool>()) {
        let mut text = if which { SITCOMS.to_owned() } else { MOVIES.to_owned() };
        let mut at = at.min(text.len());
        while !text.is_char_boundary(at) { at -= 1; }
        text.insert(at, with);
        let _ = parse(&text);
    }

    #[test]
    fn shortened_channels_never_panic(keep in 0usize..700, drop in 0usize..40) {
        let mut text = SITCOMS.to_owned();
        let keep = keep.min(text.len());
        let end = (keep + drop).min(text.len());
        text.replace_range(keep..end, "");
        let _ = parse(&text);
    }
}
