//! Time per packet of the muxer beside a plain copy of the same bytes. Throughput is given in packets.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use retrovue_bench::muxing::Programme;

fn packets(c: &mut Criterion) {
    let programme = Programme::new();
    let mut buffer = vec![0u8; 188 * 64];
    let mut group = c.benchmark_group("packets");
    group.throughput(Throughput::Elements(programme.copy(&mut buffer) as u64));
    group.bench_function("copy", |b| b.iter(|| programme.copy(&mut buffer)));
    for (name, constant) in [("mux-vbr", false), ("mux-cbr", true)] {
        let (mut muxer, mut round) = (programme.muxer(constant), 0);
        let mut mux = || {
            round += 1;
            programme.mux(&mut muxer, round - 1, &mut buffer)
        };
        let packets = (mux(), mux()).1;
        group.throughput(Throughput::Elements(packets as u64));
        group.bench_function(name, |b| b.iter(&mut mux));
    }
    let (mut muxer, mut round) = (programme.queued_muxer(), 0);
    group.bench_function("mux-vbr-queued", |b| {
        b.iter(|| {
            round += 1;
            programme.mux_queued(&mut muxer, round - 1, &mut buffer)
        });
    });
    group.finish();
}

criterion_group!(benches, packets);
criterion_main!(benches);
