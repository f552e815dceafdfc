//! A channel's traffic with every name resolved: its spots, their rules, and the form of a break.

use super::shuffle::{SplitMix, seed_of};
use super::waiting::Places;
use crate::catalog::AssetMetadata;
use crate::dsl::{BreakPart, SpotKind, SpotPool};
use crate::yaml::Place;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Shortest spot that fills, in milliseconds: shorter ones would make a segment of every few frames.
pub(crate) const SHORTEST_SPOT: i64 = 1000;

/// Assets with their weights.
pub(crate) type Weighed = Vec<(Arc<AssetMetadata>, u32)>;

/// What fills the breaks of a channel.
#[derive(Debug, Clone)]
pub(crate) struct Traffic {
    /// Each asset once, whatever pools it is in.
    pub(crate) spots: Vec<Spot>,
    /// By [`SpotKind`]: numbers of spots with their weights.
    members: [Vec<(u32, u32)>; SpotKind::ALL.len()],
    pub(crate) places: Places,
    /// By asset id.
    numbers: HashMap<String, u32>,
    pub(crate) form: Vec<BreakPart>,
    /// The lengths of those that fill, in milliseconds, each once and in order.
    pub(crate) lengths: Vec<i64>,
    pub(crate) place: Place,
    pub(crate) sources: Arc<crate::dsl::Sources>,
}

/// An asset of traffic. In several pools, it has the strictest rule of each.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    pub(crate) asset: Arc<AssetMetadata>,
    /// The asset's duration in milliseconds.
    pub(crate) length: i64,
    /// Where that stands among [`Traffic::lengths`], if it does.
    pub(crate) length_place: usize,
    /// Milliseconds from one start to the next; 0 for any.
    pub(crate) cooldown: i64,
    /// Most airings within any hour and on a broadcast day; `u32::MAX` for any number.
    pub(crate) per_hour: u32,
    pub(crate) per_day: u32,
    /// Its place among those that never aired: a shuffle by the seed.
    pub(crate) turn: u32,
}

impl Traffic {
    /// From pools and their weighed assets.
    pub(crate) fn new(
        pools: &[(&SpotPool, Weighed)],
        form: Vec<BreakPart>,
        (place, sources): (Place, Arc<crate::dsl::Sources>),
        (channel, seed): (&str, u64),
    ) -> Traffic {
        let mut spots: Vec<Spot> = Vec::new();
        let mut members: [Vec<(u32, u32)>; SpotKind::ALL.len()] = Default::default();
        let mut numbers: HashMap<String, u32> = HashMap::new();
        for (pool, assets) in pools {
            for (asset, weight) in assets {
                let number = *numbers.entry(asset.id.clone()).or_insert_with(|| {
                    let (asset, length) = (Arc::clone(asset), asset.duration.0);
                    let (per_hour, per_day) = (u32::MAX, u32::MAX);
                    spots.push(Spot {
                        asset,
                        length,
                        length_place: 0,
                        cooldown: 0,
                        per_hour,
                        per_day,
                        turn: 0,
                    });
                    spots.len() as u32 - 1
                });
                let spot = &mut spots[number as usize];
                spot.cooldown = spot.cooldown.max(pool.cooldown.0);
                spot.per_hour = spot.per_hour.min(pool.per_hour.unwrap_or(u32::MAX));
                spot.per_day = spot.per_day.min(pool.per_day.unwrap_or(u32::MAX));
                members[pool.kind as usize].push((number, *weight));
            }
        }
        let mut turns: Vec<u32> = (0..spots.len() as u32).collect();
        SplitMix(seed_of(&[&seed.to_string(), channel, "rotation"])).shuffle(&mut turns);
        for (spot, turn) in spots.iter_mut().zip(turns) {
            spot.turn = turn;
        }
        let fills = |kind: &SpotKind| form.contains(&BreakPart::Fill(*kind));
        let filling = SpotKind::ALL.into_iter().filter(fills).flat_map(|kind| &members[kind as usize]);
        let lengths = filling.map(|(number, _)| spots[*number as usize].length);
        let lengths: BTreeSet<i64> = lengths.filter(|length| *length >= SHORTEST_SPOT).collect();
        let lengths: Vec<i64> = lengths.into_iter().collect();
        for spot in &mut spots {
            spot.length_place = lengths.binary_search(&spot.length).unwrap_or(0);
        }
        let places = Places::new(spots.len(), &members);
        Traffic { spots, members, places, numbers, form, lengths, place, sources }
    }

    /// Spots of a kind, each with its weight, which is at least 1.
    pub(crate) fn of_kind(&self, kind: SpotKind) -> &[(u32, u32)] {
        &self.members[kind as usize]
    }

    /// The kinds that fill a break, in the order of its form.
    pub(crate) fn filling(&self) -> impl Iterator<Item = SpotKind> {
        self.form.iter().filter_map(|part| match part {
            BreakPart::Fill(kind) => Some(*kind),
            BreakPart::One(_) => None,
        })
    }

    /// Whether an asset is one of its spots.
    pub(crate) fn holds(&self, asset: &AssetMetadata) -> bool {
        self.numbers.contains_key(&asset.id)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::catalog::Snapshot;
    use crate::dsl::parse_channel;
    use crate::plan::pool::tests::asset;
    use crate::plan::resolve::resolve;
    use crate::yaml::Document;
    use std::path::Path;

    /// The traffic of a channel with `text` under `traffic`, over collections with assets of so many seconds.
    pub(crate) fn traffic_of(text: &str, collections: &[(&str, &[i64])]) -> Traffic {
        let text = format!("channel: t\nschedule: {{daily: []}}\ntraffic: {{{text}}}\n");
        let spec = parse_channel(Document::parse(Path::new("t.yaml"), &text).unwrap()).unwrap().0;
        let mut assets = Vec::new();
        for (name, seconds) in collections {
            for (i, seconds) in seconds.iter().enumerate() {
                assets.push(asset(&format!("{name}.{i:02}"), name, *seconds));
            }
        }
        let line_up = resolve(&spec, &Snapshot::new(assets, [], []), None, 42);
        line_up.unwrap_or_else(|report| panic!("{report}")).0.traffic.expect("traffic")
    }

    #[test]
    fn an_asset_of_two_pools_is_one_spot_under_the_strictest_of_both() {
        let traffic = traffic_of(
            "commercials: {collection: c, cooldown: 10m, max_per_day: 9}, promos: {collections: [p, c], cooldown: 1h, max_per_hour: 1, weights: {p: 3, c.01: 0}}",
            &[("c", &[10, 20]), ("p", &[30])],
        );
        let shown: Vec<_> = traffic
            .spots
            .iter()
            .map(|s| (s.asset.id.as_str(), s.cooldown / 60_000, s.per_hour, s.per_day))
            .collect();
        assert_eq!(shown, [("c.00", 60, 1, 9), ("c.01", 10, u32::MAX, 9), ("p.00", 60, 1, u32::MAX)]);
        assert_eq!(traffic.of_kind(SpotKind::Promo), [(2, 3), (0, 1)]);
        assert_eq!(traffic.form, [BreakPart::Fill(SpotKind::Commercial), BreakPart::One(SpotKind::Promo)]);
    }
}
