//! What the language's criteria look at in an asset. Seed 004, Selector Semantics, and beyond it.

use crate::catalog::AssetMetadata;
use crate::dsl::{Criterion, Subject};

/// Whether an asset satisfies a criterion.
pub(crate) fn satisfies(asset: &AssetMetadata, criterion: &Criterion) -> bool {
    match look(asset, criterion.subject) {
        Seen::Words(words) => criterion.test.accepts_words(&words),
        Seen::Number(number) => criterion.test.accepts_number(number),
    }
}

/// The words an asset has where a criterion looks; empty for numbers.
pub(crate) fn words(asset: &AssetMetadata, subject: Subject) -> Vec<&str> {
    match look(asset, subject) {
        Seen::Words(words) => words,
        Seen::Number(_) => Vec::new(),
    }
}

enum Seen<'a> {
    Words(Vec<&'a str>),
    Number(Option<i64>),
}

fn look(asset: &AssetMetadata, subject: Subject) -> Seen<'_> {
    match subject {
        Subject::Type => Seen::Words(vec![asset.asset_type.word()]),
        Subject::Series => Seen::Words(asset.series.as_deref().into_iter().collect()),
        Subject::Title => Seen::Words(vec![&asset.title]),
        Subject::Genre => Seen::Words(asset.genres.iter().map(String::as_str).collect()),
        Subject::Tags => Seen::Words(asset.tags.iter().map(String::as_str).collect()),
        Subject::Rating => Seen::Words(asset.rating.as_deref().into_iter().collect()),
        Subject::Year => Seen::Number(asset.year.map(i64::from)),
        Subject::Season => Seen::Number(asset.season.map(i64::from)),
        Subject::Episode => Seen::Number(asset.episode.map(i64::from)),
        Subject::Duration => Seen::Number(Some(asset.duration.0)),
    }
}
