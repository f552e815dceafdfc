//! What the language's criteria look at in an asset. Seed 004, Selector Semantics, and beyond it.

use crate::catalog::AssetMetadata;
use crate::dsl::{Criterion, Subject};
use std::slice;

/// Whether an asset satisfies a criterion.
pub(crate) fn satisfies(asset: &AssetMetadata, criterion: &Criterion) -> bool {
    match look(asset, criterion.subject) {
        Seen::Number(number) => criterion.test.accepts_number(number),
        Seen::Words(..) => criterion.test.accepts_words(words(asset, criterion.subject)),
    }
}

/// The words an asset has where a criterion looks; none for numbers.
pub(crate) fn words(asset: &AssetMetadata, subject: Subject) -> impl Iterator<Item = &str> + Clone {
    let (one, many) = match look(asset, subject) {
        Seen::Words(one, many) => (one, many),
        Seen::Number(_) => (None, [].iter()),
    };
    one.into_iter().chain(many.map(String::as_str))
}

/// One word, or several, or a number.
enum Seen<'a> {
    Words(Option<&'a str>, slice::Iter<'a, String>),
    Number(Option<i64>),
}

fn look(asset: &AssetMetadata, subject: Subject) -> Seen<'_> {
    let one = |word| Seen::Words(word, [].iter());
    match subject {
        Subject::Type => one(Some(asset.asset_type.word())),
        Subject::Series => one(asset.series.as_deref()),
        Subject::Title => one(Some(&asset.title)),
        Subject::Rating => one(asset.rating.as_deref()),
        Subject::Genre => Seen::Words(None, asset.genres.iter()),
        Subject::Tags => Seen::Words(None, asset.tags.iter()),
        Subject::Year => Seen::Number(asset.year.map(i64::from)),
        Subject::Season => Seen::Number(asset.season.map(i64::from)),
        Subject::Episode => Seen::Number(asset.episode.map(i64::from)),
        Subject::Duration => Seen::Number(Some(asset.duration.0)),
    }
}
