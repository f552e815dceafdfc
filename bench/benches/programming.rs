//! A thousand channels planned four days ahead, a year after their anchor, and the guide of all of them.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use retrovue_bench::programming::{Station, events, guide};
use std::hint::black_box;

const CHANNELS: usize = 1000;
const DAYS: i32 = 4;

fn programming(c: &mut Criterion) {
    let station = Station::new(CHANNELS);
    let mut group = c.benchmark_group("programming");
    group.sample_size(10).throughput(Throughput::Elements(CHANNELS as u64));
    group.bench_function("compile-expand-fill", |b| b.iter(|| black_box(station.plan(DAYS))));
    let traffic = Station::with_traffic(CHANNELS);
    group.bench_function("compile-expand-traffic", |b| b.iter(|| black_box(traffic.plan(DAYS))));
    group.bench_function("open", |b| b.iter(|| black_box(station.programming())));
    group.bench_function("first-guide", |b| {
        b.iter_with_setup(|| station.programming(), |programming| black_box(events(&programming, DAYS)));
    });
    let programming = station.programming();
    let _ = guide(&programming, DAYS);
    group.bench_function("guide-xml", |b| b.iter(|| black_box(guide(&programming, DAYS))));
    group.finish();
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let most = status.lines().filter(|line| line.starts_with("VmHWM")).collect::<String>();
        println!("memory at most, catalog and all: {most}");
    }
}

criterion_group!(benches, programming);
criterion_main!(benches);
