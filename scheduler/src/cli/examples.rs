//! An example for every verb, which its long help ends with. Each is a command line that works.

use clap::Command;

/// Verbs, each with its examples and what there is to say of one.
const EXAMPLES: &[(&str, &[(&str, &str)])] = &[
    ("demo", &[("retrovue demo --media /srv/media --port 8500", "channels over a folder of your own")]),
    (
        "serve",
        &[
            ("retrovue serve --config station.yaml", "scan, then serve until Ctrl-C"),
            ("retrovue serve --no-scan --strict", "refuse to start when a channel has errors"),
        ],
    ),
    ("ingest", &[("retrovue ingest /srv/media --json", "")]),
    ("source add", &[("retrovue source add /srv/adverts --type commercial", "")]),
    ("source list", &[("retrovue source list --json", "")]),
    ("source remove", &[("retrovue source remove /srv/adverts", "")]),
    ("source scan", &[("retrovue source scan", "all of them"), ("retrovue source scan Plex", "")]),
    ("collection list", &[("retrovue collection list", "")]),
    ("collection show", &[("retrovue collection show col.westerns", "")]),
    ("collection define", &[("retrovue collection define col.westerns --genre western --type movie", "")]),
    ("collection remove", &[("retrovue collection remove col.westerns", "")]),
    (
        "asset list",
        &[
            ("retrovue asset list --bad", "what cannot air, with the reasons"),
            ("retrovue asset list --collection col.westerns --json", ""),
        ],
    ),
    ("asset show", &[("retrovue asset show asset.films.alien_1979", "")]),
    ("asset breaks", &[("retrovue asset breaks asset.cosmic_diner.s01e01 --accept 1,3", "")]),
    ("catalog check", &[("retrovue catalog check", "")]),
    ("catalog backup", &[("retrovue catalog backup /var/backups/catalog.sqlite --force", "")]),
    ("catalog path", &[("retrovue catalog path", "")]),
    ("channel list", &[("retrovue channel list --json", "")]),
    (
        "channel show",
        &[("retrovue channel show retro_prime", "by name"), ("retrovue channel show 3", "by number")],
    ),
    (
        "channel check",
        &[("retrovue channel check", "all of them"), ("retrovue channel check retro_prime --strict", "")],
    ),
    ("asrun list", &[("retrovue asrun list --channel one", "today's")]),
    (
        "asrun export",
        &[
            (
                "retrovue asrun export --channel one --day 2026-12-24 --segments",
                "every advert of a day, as CSV",
            ),
            (
                "retrovue asrun export --channel one --from 2026-12-24T20:00 --to 2026-12-24T22:00 --format json",
                "",
            ),
        ],
    ),
    ("asrun reconcile", &[("retrovue asrun reconcile --channel one --day 2026-12-24", "")]),
    ("playlog list", &[("retrovue playlog list --channel one --day 2026-12-24", "")]),
    (
        "playlog show",
        &[
            ("retrovue playlog show --channel one --at 2026-12-24T20:15", "the block at an instant"),
            ("retrovue playlog show --channel one --day 2026-12-24 --json", ""),
        ],
    ),
    ("programming validate", &[("retrovue programming validate channels/prime.yaml --strict", "")]),
    (
        "programming compile",
        &[("retrovue programming compile channels/prime.yaml --day 2026-12-24 --json", "")],
    ),
    ("programming expand", &[("retrovue programming expand prime.yaml --catalog assets.json --json", "")]),
    (
        "programming schema",
        &[("retrovue programming schema", "save it for your editor: docs/programming.md")],
    ),
    ("guide", &[("retrovue guide retro_prime --day 2026-12-24", "")]),
    (
        "ts check",
        &[
            ("retrovue ts check recording.ts --plot buffers.svg", ""),
            ("retrovue ts check http://localhost:8409/channel/prime.ts --seconds 60", ""),
        ],
    ),
    ("ts dump", &[("retrovue ts dump recording.ts --pes", "")]),
    ("schedule list", &[("retrovue schedule list retro_prime", "")]),
    ("schedule show", &[("retrovue schedule show retro_prime --day 2026-12-24", "")]),
    ("schedule preview", &[("retrovue schedule preview retro_prime --days 3", "")]),
    (
        "schedule rebuild",
        &[
            ("retrovue schedule rebuild retro_prime --dry-run", "what an edit of its file changes"),
            ("retrovue schedule rebuild --all --days 7", "record it"),
        ],
    ),
    ("schedule explain", &[("retrovue schedule explain retro_prime --at 2026-12-24T20:15", "")]),
    ("doctor", &[("retrovue doctor --config station.yaml", "")]),
    (
        "completions",
        &[
            ("retrovue completions bash", "save it as /etc/bash_completion.d/retrovue"),
            ("retrovue completions zsh", "save it as _retrovue in a folder of $fpath"),
            ("retrovue completions fish", "save it as ~/.config/fish/completions/retrovue.fish"),
        ],
    ),
    ("manual", &[("retrovue manual /usr/local/share/man/man1", "then: man retrovue")]),
];

/// The command with its examples at the end of every long help. A verb of verbs shows those of all of them.
pub(super) fn teach(command: Command) -> Command {
    teach_below(command, "")
}

fn teach_below(mut command: Command, path: &str) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    for name in names {
        let below = if path.is_empty() { name.clone() } else { format!("{path} {name}") };
        command = command.mut_subcommand(name, |sub| teach_below(sub, &below));
    }
    let of_it =
        |verb: &str| verb == path || verb.strip_prefix(path).is_some_and(|rest| rest.starts_with(' '));
    let lines: Vec<String> = EXAMPLES
        .iter()
        .filter(|(verb, _)| of_it(verb))
        .flat_map(|(_, examples)| examples.iter())
        .map(|(line, note)| if note.is_empty() { format!("  {line}") } else { format!("  {line}    {note}") })
        .collect();
    if lines.is_empty() {
        return command;
    }
    let word = if lines.len() == 1 { "Example" } else { "Examples" };
    let taught = format!("{word}:\n{}", lines.join("\n"));
    // What a verb says itself already ends with its own examples.
    let said = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    match said.as_str() {
        "" => command.after_long_help(taught),
        own if own.contains("Example") => command,
        own => {
            let whole = format!("{own}\n\n{taught}");
            command.after_long_help(whole)
        }
    }
}
